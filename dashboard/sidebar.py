"""The choices every page shares, drawn once and kept in the address bar and across pages."""

import streamlit as st

from core.errors import UserError, unknown
from core.findings import nice_name
from core.study import study_names
from dashboard import live_job, loaded, words
from dashboard.state import (
    GONE,
    LIVE,
    PAGE,
    STUDYS,
    YOURS,
    architectures,
    by_address,
    kept,
    other_methods,
    usual_method,
)
from dashboard.widgets import SWITCHED, TURNED, begin_run, choose, forget_missing, note_missing, pick, restore

STUDY = "study shown"


def sidebar(page: str) -> None:
    """Draw the study, architectures, α and method; `page` is the address of the page about to run."""
    begin_run()
    usual = loaded.usual_study()
    if usual is None:
        return
    state = st.session_state
    left, state[PAGE] = state.get(PAGE, page), page
    turned = left != page
    if turned and left == YOURS:
        live_job.forget()
    elif turned:
        live_job.leave()
    if by_address():
        state[TURNED] = state[SWITCHED] = None
    elif turned:
        state[TURNED], state[SWITCHED] = set(), None
    with st.sidebar:
        name = _study(usual)
        if state.get(STUDY, name) != name and not by_address():
            state[SWITCHED] = {"study"}
        state[STUDY] = name
        try:
            study = loaded.study(name)
        except UserError:
            return  # the page says it
        networks, alphas = architectures(study), study.config.students.alphas
        methods = list(study.config.explain.methods)
        pick("architectures", "Networks", networks, nice_name, words.ARCHITECTURES_HELP)
        pick("alphas", "α, weight of the labels", alphas, str, words.ALPHA_HELP)
        weights = study.config.students.explanation_weights
        if len(weights) > 1:
            choose("looking", "λ, weight of looking alike", weights, 0.0, "{:g}".format, words.LOOKING_HELP)
        choose("method", "Method", methods, usual_method(study), words.method_label, words.METHOD_HELP)
        if page in LIVE:
            others = [STUDYS, *other_methods(study)]
            choose("other_method", "Or a method computed now", others, STUDYS, _other, words.OTHERS_HELP, menu=True)
        if page in words.METHOD_NOTES:
            st.caption(words.METHOD_NOTES[page])


def _other(method: str) -> str:
    return "The one above" if method == STUDYS else words.method_label(method)


def _study(usual: str) -> str:
    names = study_names()
    asked = st.query_params.get("study")
    if asked and asked not in names and asked not in st.session_state.get(GONE, ()):
        note_missing("study", f"{unknown('study', asked, names)} '{kept().get('study', usual)}' is shown instead.")
    restored = restore("study", names)
    name = st.selectbox(
        "Study",
        names,
        index=names.index(usual),
        key="study",
        bind="query-params",
        on_change=forget_missing,
    )
    if not restored:
        kept()["study"] = name
    return str(name)
