"""Part focus: do students look at the parts that matter most to the teacher? The poster's Figure 3."""

import streamlit as st

from core.figures import tables
from core.findings import Analysis, nice_name
from core.measures import MEASURES
from dashboard import charts, frame, leads, words
from dashboard.state import cells
from dashboard.widgets import choose

chosen = frame.begin("Part focus")
head = st.container()
with st.container(horizontal=True, gap="medium"):
    measure = choose("focus_as", "Shown as", list(words.FOCUS), "focus", words.focus_label, words.FOCUS_HELP)
    outside = choose("focus_of", "Share of", list(words.OUTSIDE), "parts", words.outside_label, words.OUTSIDE_HELP)
    importance = frame.importance_switch("focus")
    subset = frame.subset_switch("focus")
table = chosen.of(tables.estimates, measure, importance, outside, subset)
sentence = frame.levels(table, measure)

with head:
    top_k = chosen.config.measure.top_k
    question = f"Do students look at the {top_k} parts that matter most to the teacher?"
    marks = "" if measure == "focus" else MEASURES[measure].label.lower()
    frame.opening(question, chosen, "focus", Analysis(chosen.method, importance, outside, subset), sentence, marks)

lines = {"the teacher itself": tables.teacher_value(table)}
chance = chosen.of(tables.control, "shuffled", importance, measure, outside)
untrained = chosen.of(tables.control, "random network", importance, measure, outside)
order = leads.order(measure, importance, outside)
points = leads.networks(chosen, tables.students(table), order, None, **leads.answers(subset))
figure = charts.dots(
    points, measure, frame.names(chosen), frame.alphas(chosen), lines, chance, untrained=untrained, numbers=True
)
about = (
    f"Here: {words.OUTSIDE_SENTENCE[outside]} The parts were chosen on the teacher's own map, which favours its line."
)
charts.show(figure, "focus_chart", sentence, measure, about=about)
frame.small_print(chosen, frame.beside(chosen, subset))
frame.table(table, measure)

st.subheader("Which parts they rely on", anchor=False)
if chosen.config.data.dataset == "folder":
    st.markdown(words.NO_PARTS)
else:
    network = choose("parts_of", "Student", chosen.architectures, chosen.architectures[-1], nice_name)
    own = [cell for cell in cells(chosen)[1:] if cell.architecture == network and cell.alpha is not None]
    smallest = min(own, key=lambda cell: cell.alpha or 0.0, default=None)
    shares = leads.networks(chosen, chosen.of(tables.part_shares, network), "rank_alignment lowest", smallest)
    parts = shares[shares["role"] == "teacher"].sort_values("share", ascending=False)["part"].to_list()
    said = f"Share of its looking that {nice_name(network)} gives to each part."
    charts.show(
        charts.parts(shares, frame.alphas(chosen), parts), "parts_chart", said, about=f"{said} {words.PARTS_CAPTION}"
    )
    st.caption(words.PARTS_CAPTION)
