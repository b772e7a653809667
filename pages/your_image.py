"""Any photo through the networks: what each takes it for, and where it looks."""

import streamlit as st

from core.data.photos import MAX_BYTES
from core.errors import UserError
from core.live import scene_of
from dashboard import asked, asking, frame, live_job, live_view, photo_job, photo_view
from dashboard.widgets import choose

chosen = frame.begin("Your image", finished=False)
st.markdown("What do the networks take your photo for, and do the small ones look where the large one looks?")
whom = asked.who(chosen)
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
    live_job.forget()
    st.stop()
data = upload.getvalue()
try:
    photo = photo_job.opened(data, upload.file_id)
except UserError as error:
    live_job.forget()
    st.error(str(error))
    st.stop()
left, right = st.columns([2, 1], vertical_alignment="bottom")
with left:
    squares = choose("parts", "Parts", list(photo_view.CUTS), 0, photo_view.CUTS.__getitem__, photo_view.CUTS_HELP)
with right:
    ask = asking.asked(chosen.study, labelled=False)
with st.spinner("Waking the networks"):  # those of ImageNet take seconds, the first time
    networks = asked.asked(whom, chosen)
    key = f"{st.session_state[live_job.PHOTO][0]} {networks.version} {squares}"
    scene = live_job.seen(key, lambda: scene_of(networks.networks, photo, squares))
    job = photo_job.job_for(networks, data, scene, ask)
live_view.follow(job, lambda: photo_view.results(job, scene, photo, networks))
