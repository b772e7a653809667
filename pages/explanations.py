"""Where each network looks on one image of the study, side by side with the teacher."""

from functools import partial

import streamlit as st

from core.cells import undistilled, unlooking
from dashboard import asking, changed, charts, frame, gallery, live_view, maps_view, one_image, trust_view, words
from dashboard.loaded import shortfall, stamp
from dashboard.names import plain, short
from dashboard.state import cells, with_unlooking
from dashboard.widgets import choose, select

chosen = frame.begin("Explanations")
study, shown = chosen.study, with_unlooking(cells(chosen))

head = st.container()
student = None
with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
    if students := shown[1:]:
        usual = changed.usual(students)
        student = select("student", "Student", students, usual, lambda each: short(each, study.teacher), width=200)
    layout = choose("layout", "Shown", list(words.LAYOUTS), "pair", words.LAYOUTS.__getitem__, words.LAYOUT_HELP)
    ask = asking.asked(study, labelled=True)
image = gallery.pick(chosen, student)
if image is None:
    st.stop()
pair = [study.teacher, *([student] if student else [])]
if student:
    pair[1:1] = filter(None, (undistilled(student, study.config), unlooking(student)))
seen = [cell for cell in pair if cell in shown] if layout == "pair" else shown
if not asking.usual(study, ask, chosen.method):
    with st.spinner("Waking the networks"):
        job, scene = live_view.job_for_image(chosen, seen, image, ask)
    live_view.follow(job, lambda: live_view.again(job, scene, chosen, seen, layout, student))
    st.stop()
photo, part_map = gallery.photo(study, image) or (None, None)
# The files of other networks than these are read only where somebody wants to see them.
near = [cell for cell in shown if cell in seen or (student and cell.architecture == student.architecture)]
one = one_image.stored(chosen, near, image)
panels = [one.panels[near.index(cell)] for cell in seen]
names = gallery.classes(study)
method = words.method_label(chosen.method)
signed = chosen.method == "integrated_gradients"

with head:
    known = {cell: panel.alignment for cell, panel in zip(one.cells, one.panels, strict=True)}
    alignments = [known[c] if c in known else one_image.measured(study, c, image, chosen.method) for c in pair]
    st.markdown(f"## {one_image.sentence(pair, alignments)}")
    of_what = {"teacher": "the teacher's answer", "label": "the right answer", "own": "each network's own answer"}
    target = of_what[study.config.explain.target]
    which = "" if study.config.explain.target == "own" else f", **{plain(names[one.explained[0]])}**"
    path = live_view.begun(chosen.method, ask)
    st.markdown(f"{method}{path}: what on this image of a **{plain(names[one.label])}** speaks to {target}{which}.")
if photo is None:
    st.info("The images of this study are not on this machine, so the maps stand alone.")

targets = {cell: one.explained[near.index(cell)] for cell in seen}
found = partial(live_view.known_checks, study, image, chosen.method, targets, ask)
about = f"{image} {study.folder} {stamp(study.folder)} {chosen.method} {seen} {layout == 'grid'}"
checks = trust_view.about(about, dict if photo is None or layout == "grid" else found)
maps_view.draw(photo, part_map, one.parts, seen, panels, layout, checks)
if layout != "grid" and (of := frame.first_seed(chosen, "The maps are of")):
    st.caption(of)
if signed:
    st.caption(
        "Kept maps are small: where neighbouring pixels speak for and against the answer, a part can look paler than "
        "its rank, which is of the full map."
    )
if photo is not None and layout != "grid":
    check = partial(live_view.check_image, study, image, seen, chosen.method, ask)
    trust_view.section(checks, seen, study.teacher, chosen.method, check)

if short_of := shortfall(study, chosen.method):
    st.caption(short_of)

if maps_view.slopes(one.parts, one.cells, one.panels, student, study.config.measure.top_k):
    ranks = st.expander("Every network, as a table of ranks", key="every rank", on_change="rerun")
    if ranks.open:
        with ranks:
            every = one_image.stored(chosen, shown, image)
            charts.show(
                one_image.rank_matrix(one_image.rank_table(every.panels, every.parts)),
                "ranks",
                "Rank of every part in every network, as the viewer tells them.",
                about=words.MATRIX_ABOUT,
            )

numbers = st.expander("All measures of this image, and how exact the maps are", key="every measure", on_change="rerun")
if numbers.open:
    with numbers:
        measured = one_image.measure_table(chosen, one_image.stored(chosen, shown, image), image)
        st.dataframe(
            measured,
            hide_index=True,
            height="content",
            column_config=one_image.formats(measured),
            alt="Every measure of this image",
        )
        if signed:
            st.caption(words.EXACT_CAPTION.format(baseline=asking.FROM[study.config.explain.baseline]))
