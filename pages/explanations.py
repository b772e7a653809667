"""Where each network looks on one image of the study, side by side with the teacher."""

from functools import partial

import streamlit as st

from core.cells import undistilled
from dashboard import asking, changed, charts, frame, gallery, live_view, loaded, one_image, trust_view, words
from dashboard.grid_view import grid_view
from dashboard.names import plain, short
from dashboard.state import cells, kept
from dashboard.viewer import viewer
from dashboard.widgets import choose, select

chosen = frame.begin("Explanations")
study, shown = chosen.study, cells(chosen)

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
if not asking.usual(study, ask, chosen.method):
    with st.spinner("Waking the networks"):
        job, scene = live_view.job_for_image(chosen, image, ask)
    live_view.follow(job, lambda: live_view.again(job, scene, chosen))
    st.stop()
photo, part_map = gallery.photo(study, image) or (None, None)
one = one_image.stored(chosen, shown, image)
pair = [study.teacher, *([student] if student else [])]
if student and (before := undistilled(student, study.config)):
    pair.insert(1, before)
names = gallery.classes(study)
method = words.method_label(chosen.method)
signed = chosen.method == "integrated_gradients"

with head:
    st.markdown(f"## {one_image.sentence(pair, [one_image.measured(study, c, image, chosen.method) for c in pair])}")
    of_what = {"teacher": "the teacher's answer", "label": "the right answer", "own": "each network's own answer"}
    target = of_what[study.config.explain.target]
    which = "" if study.config.explain.target == "own" else f", **{plain(names[one.explained[0]])}**"
    path = live_view.begun(chosen.method, ask)
    st.markdown(f"{method}{path}: what on this image of a **{plain(names[one.label])}** speaks to {target}{which}.")
if photo is None:
    st.info("The images of this study are not on this machine, so the maps stand alone.")

seen = [cell for cell in pair if cell in shown] if layout == "pair" else shown
panels = [one.panels[shown.index(cell)] for cell in seen]
checks = trust_view.about(f"{image} {study.folder} {loaded.stamp(study.folder)} {chosen.method} {seen}")
if layout == "grid":

    def opened(name: str) -> None:
        """Show the network whose small map was clicked beside the teacher."""
        found = next((cell for cell in shown[1:] if cell.name == name), student)
        for key, value in (("student", found), ("layout", "pair")):
            st.session_state[key] = kept()[key] = value

    grid_view(photo, panels, seen, "grid", opened)
    st.caption("All maps share one scale. ρ: rank alignment with the teacher. ✓ and ✗: whether the answer is right.")
else:
    viewer(
        photo,
        trust_view.marked(panels, seen, checks),
        part_map,
        one.parts,
        key="explanations",
        on_step=partial(gallery.step, "explanations"),
        on_view=partial(gallery.looked, "explanations"),
        view=st.query_params.get("view", ""),
    )
    if of := frame.first_seed(chosen, "The maps are of"):
        st.caption(of)
if signed:
    st.caption(
        "Kept maps are small: where neighbouring pixels speak for and against the answer, a part can look paler than "
        "its rank, which is of the full map."
    )
if photo is not None and layout != "grid":
    check = partial(live_view.check_image, study, image, seen, chosen.method, ask)
    trust_view.section(checks, seen, study.teacher, chosen.method, check)

if shortfall := loaded.shortfall(study, chosen.method):
    st.caption(shortfall)

st.subheader("The parts, in every network's order", anchor=False)
table = one_image.rank_table(one.panels, one.parts)
if len(table):
    kin = [place for place, cell in enumerate(shown[1:], 1) if student and cell.architecture == student.architecture]
    columns = ["part", *(one.panels[place].short for place in [0, *reversed(kin)])]
    st.markdown("A student that looks like its teacher has no line that crosses another.")
    charts.show(
        one_image.rank_slopes(table[columns]),
        "rank_slopes",
        "The parts in the teacher's order on the left, and where each stands in the student's.",
        about=words.RANKS_ABOUT,
    )
    with st.expander("Every network, as a table of ranks"):
        charts.show(
            one_image.rank_matrix(table),
            "ranks",
            "Rank of every part in every network, as the viewer tells them.",
            about=words.MATRIX_ABOUT,
        )
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
        st.caption(words.EXACT_CAPTION.format(baseline=asking.FROM[study.config.explain.baseline]))
