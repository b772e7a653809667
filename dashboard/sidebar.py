"""The choices every page shares, drawn once and kept in the address bar and across pages."""

import streamlit as st

from core.errors import UserError, unknown
from core.findings import nice_name
from core.study import study_names
from dashboard import loaded, words
from dashboard.state import architectures, kept, usual_method
from dashboard.widgets import SWITCHED, TURNED, choose, pick, restore

PAGE, STUDY, MISSING = "page shown", "study shown", "study missing"


def sidebar(page: str) -> None:
    """Draw the study, architectures, α and method; `page` is the address of the page about to run."""
    usual = loaded.usual_study()
    if usual is None:
        return
    state = st.session_state
    state[TURNED], state[PAGE] = state.get(PAGE, page) != page, page
    state[SWITCHED] = False
    with st.sidebar:
        name = _study(usual)
        state[SWITCHED], state[STUDY] = state.get(STUDY, name) != name, name
        try:
            study = loaded.study(name)
        except UserError:
            return  # the page says it
        pick("architectures", "Networks", architectures(study), nice_name, words.ARCHITECTURES_HELP)
        pick("alphas", "α, weight of the labels", study.config.students.alphas, str, words.ALPHA_HELP)
        methods = list(study.config.explain.methods)
        choose("method", "Method", methods, usual_method(study), words.method_label, words.METHOD_HELP)


def missing_study() -> str | None:
    """Return the sentence about a study that the address asked for and that is not there, until one is chosen."""
    found: str | None = st.session_state.get(MISSING)
    return found


def _study(usual: str) -> str:
    names = study_names()
    asked = st.query_params.get("study")
    if asked and asked not in names:
        st.session_state[MISSING] = f"{unknown('study', asked, names)} '{kept().get('study', usual)}' is shown instead."
    restored = restore("study", names)
    name = st.selectbox(
        "Study",
        names,
        index=names.index(usual),
        key="study",
        bind="query-params",
        on_change=lambda: st.session_state.pop(MISSING, None),
    )
    if not restored:
        kept()["study"] = name
    return str(name)
