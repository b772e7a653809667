"""Any photo through the whole grid: what the networks say about it, and where each of them looks."""

import streamlit as st

from core.data.photos import MAX_BYTES
from core.errors import UserError
from dashboard import asking, frame, live_view
from dashboard.names import plain

chosen = frame.begin("Your image", finished=False)
st.warning(
    f"**These networks know {plain(chosen.study.knows)}.** Whatever they say about your photo is an answer in those "
    "terms.",
    icon="⚠️",
)
source = st.segmented_control(
    "Where from", ["A file", "The camera"], default="A file", required=True, label_visibility="collapsed"
)
if source == "A file":
    kinds = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"]
    upload = st.file_uploader("A photo", kinds, max_upload_size=MAX_BYTES // 1_000_000)
else:
    upload = st.camera_input("A photo")
st.caption("The photo stays in the memory of this session: it is not saved, and it is gone when you leave.")

if upload is None:
    live_view.forget()
    st.stop()
data = upload.getvalue()
try:
    photo = live_view.opened(data)
except UserError as error:
    live_view.forget()
    st.error(str(error))
    st.stop()
with st.spinner("Waking the networks"):
    job, scene = live_view.job_for(chosen, data, photo, asking.asked(chosen.study, labelled=False))
live_view.follow(job, lambda: live_view.results(job, scene, photo, chosen))
