"""How far each map on show may be trusted: found when somebody asks, told by a badge, and shown in detail on demand."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.cells import Cell
from core.figures import removal
from core.live import Checked
from core.trust import CHECKS as TESTS
from core.trust import FAULTS, LEVELS, SHARES, Trust, areas, badge
from core.turns import Place
from dashboard import charts, words
from dashboard.live_job import CHECKS, Checks
from dashboard.names import decimal, plain, short
from dashboard.viewer import Panel

POLL = 0.3
"""Seconds between two looks at how far the checks are."""
HELP = (
    "Removes and adds pixels in the map's order, shuffles the network's weights, and compares the map with another "
    "method's. Takes about a second a network."
)
UNCHECKED, BEING_CHECKED = "not checked", "not checked yet"
UNTESTED = "Nobody has put this map to its tests yet."


def about(key: str, known: Callable[[], dict[Cell, Trust]] = dict) -> Checks:
    """Return the visitor's checks of the maps on show; those of other maps are dropped.

    Parameters
    ----------
    key : str
        The image, the networks, the method and how it is asked.
    known : callable
        Returns what was found before, by anybody; asked once.
    """
    checks: Checks | None = st.session_state.get(CHECKS)
    if checks is None or checks.key != key:
        if checks is not None:
            checks.cancel()
        checks = st.session_state[CHECKS] = _none(key)
        checks.found = known()
    return checks


def marked(panels: Sequence[Panel], cells: Sequence[Cell], checks: Checks) -> list[Panel]:
    """Return panels with their badges: those of maps that nobody has put to their tests say so."""
    unchecked = BEING_CHECKED if checks.running else UNCHECKED
    known = dict(checks.found)  # more may come meanwhile
    return [
        _badged(panel, known[cell]) if cell in known else replace(panel, trusted=unchecked, why=UNTESTED)
        for cell, panel in zip(cells, panels, strict=True)
    ]


def section(
    checks: Checks, cells: Sequence[Cell], teacher: Cell, method: str, check: Callable[[Place], Generator[Checked]]
) -> None:
    """Offer to check the maps on show; follow the checks, then tell what they found.

    Parameters
    ----------
    checks : Checks
        From `about`.
    cells : sequence of Cell
        Of the panels.
    teacher : Cell
    method : str
        Of the maps.
    check : callable
        Begins the checks, given the visitor's place in the line.
    """
    if checks.running:
        _follow(checks)
        return
    if checks.error:
        st.error(plain(checks.error))
    if len(checks.found) < len(cells):
        label = "Check the other maps" if checks.found else "Check these maps"
        st.button(label, help=HELP, on_click=_begin, args=(checks, len(cells), check))
    if checks.found:
        _told(checks.found, [cell for cell in cells if cell in checks.found], teacher, method)


def table(found: dict[Cell, Trust], cells: Sequence[Cell], teacher: Cell) -> pd.DataFrame:
    """Return one row a network: its badge, and what every check found that means something here; ✗ where it fails."""
    rows = []
    for cell in cells:
        trust = found[cell]
        row = {"Network": short(cell, teacher), "Verdict": LEVELS[badge(trust)[0]]}
        for check in TESTS.values():
            value = trust.value(check.name)
            applies = trust.signal and trust.applies(check.name)
            failed = applies and not check.passed(value)
            row[check.label] = ("✗ " if failed else "") + (check.written(value) if applies else "–")
        rows.append(row)
    every = pd.DataFrame(rows)
    return every.loc[:, (every != "–").any()]


def sentence(found: dict[Cell, Trust], cells: Sequence[Cell]) -> str:
    """Say in one sentence how many of the maps may be trusted."""
    levels = [badge(found[cell])[0] for cell in cells]
    texts = {
        "passes": "pass{es} all checks",
        "partly": "fail{s} one",
        "fails": "{is_} not to be trusted",
        "flat": "show{s} no signal",
    }
    said = []
    for level, text in texts.items():
        count = levels.count(level)  # type: ignore[arg-type]
        if count:
            one = count == 1
            said.append(f"{count} {text.format(es='es' * one, s='s' * one, is_='is' if one else 'are')}")
    maps = "the one map" if len(cells) == 1 else f"the {len(cells)} maps"
    return f"Of {maps} checked, {', '.join(said)}."


def _badged(panel: Panel, trust: Trust) -> Panel:
    level, why = badge(trust)
    return replace(panel, trust=level, trusted=LEVELS[level], why=why)


def _none(key: str) -> Checks:
    checks = Checks(key, 0)
    checks.running = False
    return checks


def _begin(checks: Checks, total: int, check: Callable[[Place], Generator[Checked]]) -> None:
    again = st.session_state[CHECKS] = Checks(checks.key, total)
    again.found = dict(checks.found)
    again.start(check)


def _follow(checks: Checks) -> None:
    @st.fragment(run_every=POLL)
    def look() -> None:
        if not checks.running:
            st.rerun()
        bar, button = st.columns([4, 1], vertical_alignment="center")
        done = len(checks.found)
        bar.progress(min(1.0, done / checks.total), f"{done} of {checks.total} maps are checked.")
        button.button("Stop checking", on_click=checks.cancel, width="stretch")

    look()


def _told(found: dict[Cell, Trust], cells: Sequence[Cell], teacher: Cell, method: str) -> None:
    st.markdown(f"**How far these maps may be trusted.** {sentence(found, cells)}")
    rows = table(found, cells, teacher)
    columns = {"Network": st.column_config.TextColumn(width="medium")}
    columns |= {
        check.label: st.column_config.TextColumn(help=f"{check.sentence} Asked: {check.rule}.")
        for check in TESTS.values()
    }
    st.dataframe(rows, hide_index=True, height="content", column_config=columns, alt="What every check found")
    with st.expander("What was checked, and what it shows"):
        names = {short(cell, teacher): cell for cell in cells}
        name = st.selectbox("Network", list(names), key="checked network")
        _one(found[names[str(name)]], method)
        st.markdown("\n".join(f"- **{c.label}** ({c.rule}). {c.sentence} *{c.reference}*" for c in TESTS.values()))
        st.caption(
            f"A map that fails none passes; failed checks that count {FAULTS} together make it not to be trusted, and "
            "shuffled weights count 2 alone. What is undefined (–) counts neither way. A map that passes is not proven "
            "right: it has not been caught. Checked are the maps at full size, where those shown are small."
        )


def _one(trust: Trust, method: str) -> None:
    st.markdown(plain(badge(trust)[1]))
    if not trust.signal:
        return
    titles = {"deletion": "Pixels removed", "insertion": "Pixels added"}
    for place, (name, title) in zip(st.columns(2), titles.items(), strict=True):
        curves = getattr(trust, name)
        of_map, blurred, *random = areas(curves)
        with place:
            figure = charts.built(removal.removal, removal.removal_table(curves), title)
            charts.show(figure, f"checked {name}", f"The answer's probability: {title}.")
            st.caption(
                f"Area below: {decimal(of_map)} in the map's order, {decimal(blurred)} in that of the map blurred, "
                f"{decimal(min(random))} to {decimal(max(random))} in random orders. {BETTER[name]}"
            )
    steps = [{0.0: "the last layer", 1.0: "all layers"}.get(s, f"the last {s:.0%} of the layers") for s in SHARES]
    along = [
        f"ρ = {decimal(value)} with {step} shuffled" for value, step in zip(trust.randomisation, steps, strict=True)
    ]
    factor = (
        f"{words.method_label(method)} keep something of the image whatever the weights, as it is a factor of them."
    )
    note = factor if method in WITH_IMAGE else ""
    st.caption(f"The map beside that of the same network: {', '.join(along)}. {note}".rstrip())
    if np.isnan(trust.agreement):
        st.caption("The other method's map is the same everywhere, so that there is nothing to compare.")


WITH_IMAGE = ("integrated_gradients", "captum", "input_x_gradient")
"""Methods whose maps are a product with the image."""
BETTER = {
    "deletion": "Less is better. Both measures favour blurred maps, so fine detail proves nothing here.",
    "insertion": "More is better.",
}
