"""The choices every page shares, drawn once and kept in the address bar and across pages."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import UserError, unknown
from core.findings import nice_name
from core.study import study_names
from dashboard import loaded, words
from dashboard.state import GONE, LIVE, PAGE, STUDYS, architectures, kept, other_methods, usual_method
from dashboard.widgets import SWITCHED, TURNED, choose, pick, restore

STUDY, MISSING = "study shown", "missing"


def sidebar(page: str) -> None:
    """Draw the study, architectures, α and method; `page` is the address of the page about to run."""
    usual = loaded.usual_study()
    if usual is None:
        return
    state, address_rules = st.session_state, _by_address()
    state[TURNED], state[PAGE] = state.get(PAGE, page) != page and not address_rules, page
    state[SWITCHED] = False
    with st.sidebar:
        name = _study(usual)
        state[SWITCHED], state[STUDY] = state.get(STUDY, name) != name and not address_rules, name
        try:
            study = loaded.study(name)
        except UserError:
            return  # the page says it
        networks, alphas = architectures(study), study.config.students.alphas
        methods = list(study.config.explain.methods)
        _heed("architectures", "network", [nice_name(network) for network in networks])
        _heed("alphas", "α", [str(alpha) for alpha in alphas])
        _heed("method", "method", [words.method_label(method) for method in methods])
        pick("architectures", "Networks", networks, nice_name, words.ARCHITECTURES_HELP)
        pick("alphas", "α, weight of the labels", alphas, str, words.ALPHA_HELP)
        choose("method", "Method", methods, usual_method(study), words.method_label, words.METHOD_HELP)
        if page in LIVE:
            others = [STUDYS, *other_methods(study)]
            _heed("other_method", "method", [_other(method) for method in others])
            choose("other_method", "Or a method computed now", others, STUDYS, _other, words.OTHERS_HELP, menu=True)
        if page in words.METHOD_NOTES:
            st.caption(words.METHOD_NOTES[page])


def _by_address() -> bool:
    """Return whether the browser went back or forward, or a mark was clicked: the address alone says what is shown."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _other(method: str) -> str:
    return "The one above" if method == STUDYS else words.method_label(method)


def missing() -> list[str]:
    """Return a sentence on everything that the address asked for and that is not there, until a study is chosen."""
    return list(_missing().values())


def _missing() -> dict[str, str]:
    found: dict[str, str] = st.session_state.setdefault(MISSING, {})
    return found


def _heed(key: str, kind: str, names: list[str]) -> None:
    """Note what the address asks of a switch that has no such value: Streamlit drops it in silence."""
    asked = [value for value in st.query_params.get_all(key) if value and value not in names]
    if asked and not st.session_state[SWITCHED]:  # else it asks the study before
        _missing()[key] = " ".join(str(unknown(kind, value, names)) for value in asked)


def _study(usual: str) -> str:
    names = study_names()
    asked = st.query_params.get("study")
    if asked and asked not in names and asked not in st.session_state.get(GONE, ()):
        _missing()["study"] = f"{unknown('study', asked, names)} '{kept().get('study', usual)}' is shown instead."
    restored = restore("study", names)
    name = st.selectbox(
        "Study",
        names,
        index=names.index(usual),
        key="study",
        bind="query-params",
        on_change=lambda: _missing().clear(),
    )
    if not restored:
        kept()["study"] = name
    return str(name)
