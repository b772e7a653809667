"""A checkpoint from elsewhere, brought into a study as one of its networks."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.config import Students
from core.errors import UserError
from core.findings import nice_name
from core.run import aside
from core.study import Study, study_names
from dashboard import loaded, waiting
from dashboard.names import plain

MAX_MEGABYTES = 250
"""Room for a ResNet101 in fp32."""
COUNT, LAST = "checkpoints taken", "checkpoint taken last"
"""Session state: how many were brought in, and the name of one that is to be told of."""
RULES = (
    f"At most {MAX_MEGABYTES} MB: a state dict, as .safetensors or as torch saves it (.pth, .pt). It is read so that "
    "nothing in it can run, in a process of its own, and checked against the architecture before anything is kept. "
    "Unlike a photo, which never leaves the memory of your session, the weights are then kept (as fp16) in the study's "
    "folder on this computer, for all who open this page, until the study is deleted."
)


def offer() -> None:
    """Draw the form that takes a checkpoint, and say what became of it."""
    there = [name for name in study_names() if _teacher(name)]
    if not there:
        st.info("That takes a study whose teacher is trained; there is none yet.")
        return
    name = st.selectbox("Into which study", there, key="into")
    study = loaded.study(name)
    st.markdown(plain(_wanted(study)))
    own, architecture = st.columns(2)
    with own:
        called = st.text_input("What it is to be called", key="called", placeholder="mine").strip()
    with architecture:
        known = list(Students().architectures)
        kind = st.selectbox("Architecture", known, key="kind", format_func=nice_name, accept_new_options=True)
    width, stem = st.columns(2)
    with width:
        share = st.number_input(
            "Width", max_value=1.0, value=study.config.students.width, key=f"width {name}", format="%g"
        )
    with stem:
        stems = ["small", "imagenet"]
        first = st.selectbox("First layer", stems, stems.index(study.config.students.stem), key=f"stem {name}")
    # Another key is another uploader, and an empty one.
    number = st.session_state.setdefault(COUNT, 0)
    kinds = ["safetensors", "pth", "pt"]
    weights = st.file_uploader("Its weights", kinds, max_upload_size=MAX_MEGABYTES, key=f"weights {number}")
    st.caption(RULES)
    if last := st.session_state.pop(LAST, ""):
        st.success(f"{plain(last)} is in. It is measured beside the others by **Measure the rest**, above.")
    if not st.button("Bring it in", key="add", disabled=weights is None or not called) or weights is None:
        return
    suffix = Path(weights.name).suffix.lower()
    try:
        with st.spinner("Reading and checking the weights"):
            aside.add(name, called, str(kind), weights.getvalue(), suffix, share, first, waiting.place())
    except UserError as error:
        st.error(plain(str(error)))
    else:
        _forget(weights)
        st.session_state[LAST], st.session_state[COUNT] = called, number + 1
        st.rerun()


def _forget(weights: UploadedFile) -> None:
    """Drop an upload from the server's memory, where it would stay as long as the session."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, weights.file_id)


def _teacher(name: str) -> bool:
    try:
        study = loaded.study(name)
        study.header(study.teacher)
    except UserError:
        return False
    return True


def _wanted(study: Study) -> str:
    about = study.header(study.teacher)
    classes = about.classes
    shown = ", ".join(classes[:12]) + (f", … ({len(classes)} in all)" if len(classes) > 12 else "")
    mean, std = (" ".join(f"{value:g}" for value in values) for values in (about.mean, about.std))
    return (
        f"It should have learnt this study's classes, in this order: {shown}; on images of "
        f"{about.image_size} pixels a side, less the mean {mean} and divided by {std}."
    )
