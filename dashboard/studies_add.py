"""A checkpoint from elsewhere, brought into a study as one of its networks."""

from pathlib import Path

import streamlit as st

from core.config import Students
from core.errors import UserError
from core.findings import nice_name
from core.overview import facts
from core.run import aside
from core.study import Study, study_names
from dashboard import loaded
from dashboard.names import plain

MAX_MEGABYTES = 250
"""Room for a ResNet101 in fp32."""
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
        share = st.number_input("Width", value=study.config.students.width, key=f"width {name}", format="%g")
    with stem:
        stems = ["small", "imagenet"]
        first = st.selectbox("First layer", stems, stems.index(study.config.students.stem), key=f"stem {name}")
    weights = st.file_uploader("Its weights", ["safetensors", "pth", "pt"], max_upload_size=MAX_MEGABYTES)
    st.caption(RULES)
    if not st.button("Bring it in", key="add", disabled=weights is None or not called) or weights is None:
        return
    try:
        with st.spinner("Reading and checking the weights"):
            aside.add(name, called, str(kind), weights.getvalue(), Path(weights.name).suffix.lower(), share, first)
    except UserError as error:
        st.error(plain(str(error)))
    else:
        st.success(f"{plain(called)} is in. It is measured beside the others by **Measure the rest**, above.")


def _teacher(name: str) -> bool:
    try:
        study = loaded.study(name)
    except UserError:
        return False
    return study.path("models", study.teacher).exists()


def _wanted(study: Study) -> str:
    about = facts(study.path("models", study.teacher))
    classes = [str(each) for each in about.get("classes", [])]
    shown = ", ".join(classes[:12]) + (f", … ({len(classes)} in all)" if len(classes) > 12 else "")
    mean, std = (" ".join(f"{value:g}" for value in about.get(key, [])) for key in ("mean", "std"))
    return (
        f"It should have learnt this study's classes, in this order: {shown}; on images of "
        f"{about.get('image_size')} pixels a side, less the mean {mean} and divided by {std}."
    )
