"""Widgets whose value is in the address bar and survives a change of page or study."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, TypeVar

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core.errors import unknown
from dashboard.state import kept

T = TypeVar("T")

TURNED, SWITCHED = "drawn since the page was turned", "drawn since another study was chosen"
"""Session state: keys of the widgets that were; None where the address alone says what is shown. `dashboard.sidebar`
begins them. By widget, not by run: a click ends the run that draws a page, and the next one draws the rest of it.
"""
HEEDED, SHOWN = "asked in vain", "switches on show"
"""Session state: per switch, a sentence on what the address asked of it in vain, "" where it did not; and which of them
this run draws.
"""
USUAL = "usual values"
"""Session state: per key, the default that a list had when it was drawn last."""


def choose(
    key: str,
    label: str,
    options: Sequence[T],
    default: T,
    name: Callable[[T], str] = str,
    help: str | None = None,
    menu: bool = False,
) -> T:
    """Draw a switch between a few options and return the chosen one.

    Parameters
    ----------
    key : str
        Of the widget and of the address (`?key=value`): one use of it in all pages.
    label, help : str
        What is chosen, and why it matters.
    options : sequence
        At least one.
    default : an option
        Leaves no trace in the address.
    name : callable
        An option in words; this is what the address holds.
    menu : bool
        Whether the options fold into a menu: for many, or long ones.
    """
    _heed(key, label, [name(option) for option in options])
    if st.query_params.get(key) == "":  # it asks for nothing, which Streamlit takes for an answer
        with suppress(StreamlitAPIException):  # going Back to it, one may not: then nothing is marked
            del st.query_params[key]
            st.rerun()
    restored = restore(key, options)
    if menu:
        at = list(options).index(default)
        value = st.selectbox(
            label, options, index=at, key=key, format_func=name, help=help, bind="query-params", filter_mode=None
        )
    else:
        value = st.segmented_control(
            label, options, default=default, required=True, key=key, format_func=name, help=help, bind="query-params"
        )
    value = default if value is None else value
    if not restored:
        kept()[key] = value
    return value


def select(
    key: str,
    label: str,
    options: Sequence[T],
    default: T,
    name: Callable[[T], str] = str,
    help: str | None = None,
    width: int | Literal["stretch"] = "stretch",
) -> T:
    """Draw a list of which one option is chosen, where they are too many for a switch. Parameters as `choose`."""
    _heed(key, label, [name(option) for option in options])
    restored = restore(key, options)
    _follow(key, default)
    index = list(options).index(default)
    value: T = st.selectbox(
        label, options, index, format_func=name, key=key, help=help, width=width, bind="query-params"
    )
    if value == default:
        kept().pop(key, None)
    elif not restored:
        kept()[key] = value
    return value


def _follow(key: str, default: object) -> None:
    """Stay with the default where it moves: an address that says nothing means the default of today."""
    before = st.session_state.setdefault(USUAL, {})
    if key in before and before[key] != default and st.session_state.get(key) == before[key]:
        st.session_state[key] = default
    before[key] = default


def slide(key: str, label: str, values: range, default: int, unit: str = " %", help: str | None = None) -> int:
    """Draw a slider over whole numbers and return where it stands. Parameters as `choose`; `unit` goes after them."""
    restored = restore(key, values)
    value: int = st.slider(
        label,
        values[0],
        values[-1],
        default,
        values.step,
        format=f"%d{unit.replace('%', '%%')}",
        key=key,
        help=help,
        bind="query-params",
    )
    value = default if value is None else value
    if not restored:
        kept()[key] = value
    return value


def between(
    key: str, label: str, least: float, most: float, step: float, help: str | None = None
) -> tuple[float, float]:
    """Draw a slider with two ends, all that there is at first, and return both. Parameters as `choose`."""
    found, lost = kept().get(key), _lost(key)
    if found is not None and lost:
        st.session_state[key] = tuple(found)
    low, high = st.slider(label, least, most, (least, most), step, key=key, help=help, bind="query-params")
    kept()[key] = (low, high)
    return low, high


def toggle(key: str, label: str, default: bool, help: str | None = None) -> bool:
    """Draw a switch that is on or off and return which. Parameters as `choose`."""
    restored = restore(key, [True, False])
    value = st.toggle(label, default, key=key, help=help, bind="query-params")
    if not restored:
        kept()[key] = value
    return value


def pick(
    key: str, label: str, options: Sequence[T], name: Callable[[T], str] = str, help: str | None = None
) -> list[T]:
    """Draw buttons of which any number may be on, all at first; return those that are. Parameters as `choose`."""
    _heed(key, label, [name(option) for option in options])
    restored = restore(key, options)
    value = st.pills(
        label,
        options,
        selection_mode="multi",
        default=list(options),
        key=key,
        format_func=name,
        help=help,
        bind="query-params",
    )
    if not value:
        st.caption("None chosen, so all are shown.")
    if not restored:
        kept()[key] = value
    return value


def begin_run() -> None:
    """Forget which switches are on show, the list of studies aside: a run of the whole page draws them anew."""
    st.session_state[SHOWN] = {"study"}


def missing() -> list[str]:
    """Return a sentence on everything that the address asked of the switches on show, and that is not there."""
    shown = st.session_state.get(SHOWN, ())
    return [sentence for key, sentence in st.session_state.get(HEEDED, {}).items() if sentence and key in shown]


def note_missing(key: str, sentence: str) -> None:
    """Note what the address asks of a switch in vain, or with "" that it does not."""
    st.session_state.setdefault(HEEDED, {})[key] = sentence


def forget_missing() -> None:
    """Let nothing be missing any more."""
    st.session_state[HEEDED] = dict.fromkeys(st.session_state.get(HEEDED, ()), "")


def _heed(key: str, label: str, names: Sequence[str]) -> None:
    """Note what the address asks of a switch that has no such option: Streamlit drops it in silence.

    Only when it is drawn for the first time: later the address holds what was chosen, perhaps among other options.
    """
    st.session_state.setdefault(SHOWN, set()).add(key)
    if key not in st.session_state.get(HEEDED, ()):
        asked = [value for value in st.query_params.get_all(key) if value and value not in names]
        note_missing(key, " ".join(str(unknown(f"choice of '{label}'", value, names)) for value in asked))


def restore(key: str, options: Sequence[T]) -> bool:
    """Put back what was chosen, as far as it exists here, after a change of page or study; say whether that was done.

    A click right after loading can reach the server before the widget's value has, and would lose it (STREAMLIT.md).
    What the address says goes before what was kept, so a link can change a choice.
    """
    wish, lost = kept().get(key), _lost(key)
    if wish is None or not lost:
        return False
    if isinstance(wish, list):
        here = [value for value in options if value in wish]
        st.session_state[key] = here if here or not wish else list(options)
    elif wish in options:
        st.session_state[key] = wish
    else:
        st.session_state.pop(key, None)
    return True


def first_since(change: str, key: str) -> bool:
    """Return whether a widget is to be drawn for the first time since `TURNED` or `SWITCHED`."""
    drawn: set[str] | None = st.session_state.get(change)
    return drawn is not None and key not in drawn


def note_drawn(key: str) -> None:
    """Note that a widget is being drawn: from now on its value is its own."""
    for change in (TURNED, SWITCHED):
        drawn: set[str] | None = st.session_state.get(change)
        if drawn is not None:
            drawn.add(key)


def _lost(key: str) -> bool:
    """Return, once, whether a change of page or study took a value away that the address says nothing of."""
    lost = first_since(SWITCHED, key) or (first_since(TURNED, key) and key not in st.query_params)
    note_drawn(key)
    return lost
