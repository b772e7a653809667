"""Where each network looks on one image of the study, side by side with the teacher."""

from functools import partial

import streamlit as st

from dashboard import asking, charts, frame, gallery, live_view, loaded, one_image, trust_view, words
from dashboard.names import plain
from dashboard.state import cells
from dashboard.viewer import viewer

chosen = frame.begin("Explanations")
study, shown = chosen.study, cells(chosen)

head = st.container()
image = gallery.pick(chosen, gallery.images(study, shown))
if image is None:
    st.stop()
ask = asking.asked(study, labelled=True)
if not asking.usual(study, ask, chosen.method):
    with st.spinner("Waking the networks"):
        job, scene = live_view.job_for_image(chosen, image, ask)
    live_view.follow(job, lambda: live_view.again(job, scene, chosen))
    st.stop()
photo, part_map = gallery.photo(study, image) or (None, None)
one = one_image.stored(chosen, shown, image)
names = gallery.classes(study)
method = words.method_label(chosen.method)
signed = chosen.method == "integrated_gradients"

with head:
    st.markdown(f"#### {one_image.sentence(shown, [panel.alignment for panel in one.panels])}")
    of_what = {"teacher": "the teacher's answer", "label": "the right answer", "own": "each network's own answer"}
    target = of_what[study.config.explain.target]
    which = "" if study.config.explain.target == "own" else f", **{plain(names[one.explained[0]])}**"
    path = live_view.begun(chosen.method, ask)
    st.markdown(f"{method}{path}: what on this image of a **{plain(names[one.label])}** speaks to {target}{which}.")
if photo is None:
    st.info("The images of this study are not on this machine, so the maps stand alone.")

checks = trust_view.about(f"{image} {study.folder} {loaded.stamp(study.folder)} {chosen.method} {shown}")
viewer(photo, trust_view.marked(one.panels, shown, checks), part_map, one.parts, key="explanations")
st.caption(
    "Point at a part to see its rank in every network. All maps share one scale, so that brightness can be compared."
    + frame.first_seed(chosen, "They are of")
)
if signed:
    st.caption(
        "Integrated gradients speak for or against the answer; shown is their size. Kept maps are small: where "
        "neighbouring pixels speak for and against, a part can look paler than its rank, which is of the full map."
    )
if photo is not None:
    check = partial(live_view.check_image, study, image, shown, chosen.method, ask)
    trust_view.section(checks, shown, study.teacher, chosen.method, check)

if shortfall := loaded.shortfall(study, chosen.method):
    st.caption(shortfall)

st.subheader("The parts, in every network's order", anchor=False)
table = one_image.rank_table(one.panels, one.parts)
if len(table):
    st.markdown("1 is the part looked at hardest, per pixel. A student that looks like its teacher repeats its column.")
    charts.show(one_image.rank_matrix(table), "ranks", "Rank of every part in every network, as the viewer tells them.")
else:
    st.markdown(one_image.NO_RANKS)

with st.expander("All measures of this image, and how exact the maps are"):
    measured = one_image.measure_table(chosen, one, image)
    st.dataframe(
        measured,
        hide_index=True,
        height="content",
        column_config=one_image.formats(measured),
        alt="Every measure of this image",
    )
    if signed:
        st.caption(
            "Completeness gap: by how much a map's sum misses what it should add up to, the change of the answer's "
            f"score from {asking.FROM[study.config.explain.baseline]} to this one. It says little about the map. The "
            "error bars do: by how much the map, and the parts' importances, change when their steps are halved. The "
            "true errors are about half of that."
        )
