"""Part focus: do students look at the parts that matter most to the teacher? The poster's Figure 3."""

import streamlit as st

from core.findings import Analysis, nice_name
from core.measures import MEASURES
from dashboard import charts, frame, numbers, words
from dashboard.widgets import choose

chosen = frame.begin("Part focus")
head = st.container()
with st.container(horizontal=True, gap="medium"):
    measure = choose("focus_as", "Shown as", list(words.FOCUS), "focus", words.focus_label, words.FOCUS_HELP)
    outside = choose("focus_of", "Share of", list(words.OUTSIDE), "parts", words.outside_label, words.OUTSIDE_HELP)
    importance = frame.importance_switch("focus")
    subset = frame.subset_switch("focus")
table = numbers.estimates(chosen, measure, importance, outside, subset)
sentence = frame.levels(table, measure)

with head:
    top_k = chosen.config.measure.top_k
    question = f"Do students look at the {top_k} parts that matter most to the teacher?"
    marks = "" if measure == "focus" else MEASURES[measure].label.lower()
    frame.opening(question, chosen, "focus", Analysis(chosen.method, importance, outside, subset), sentence, marks)

lines = {"the teacher itself": numbers.teacher_value(table)}
points = numbers.students(table)
spec = charts.dots(points, measure, frame.names(chosen), frame.alphas(chosen), lines)
charts.show(spec, "focus_chart", sentence)
frame.small_print(chosen, frame.teacher_note(chosen))
frame.definition(measure, more=f"Here: {words.OUTSIDE_SENTENCE[outside]}")
st.caption("The parts were chosen on the teacher's own map, which favours its line.")
frame.table(table, measure, f"{chosen.study.name}-{measure}")

st.subheader("Which parts they rely on", anchor=False)
if chosen.config.data.dataset == "folder":
    st.markdown(words.NO_PARTS)
else:
    network = choose("parts_of", "Student", chosen.architectures, chosen.architectures[-1], nice_name)
    shares = numbers.part_shares(chosen, network)
    order = shares[shares["role"] == "teacher"].sort_values("share", ascending=False)["part"].to_list()
    spec = charts.parts(shares, frame.alphas(chosen), order)
    charts.show(spec, "parts_chart", f"Share of its looking that {nice_name(network)} gives to each part.")
    st.caption(
        "Grey bars: the teacher, with an interval over images. Marks: the student, with an interval as above. Each is "
        "the mean over the images where the part is visible."
    )
