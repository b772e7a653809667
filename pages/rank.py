"""Rank alignment: do students order the parts of an image as their teacher does? The poster's Figure 2."""

import streamlit as st

from dashboard import charts, frame, numbers, words
from dashboard.state import cells

chosen = frame.begin("Rank alignment")
head = st.container()
importance = frame.importance_switch("rank")
table = numbers.estimates(chosen, "rank_alignment", importance)
chance = numbers.control(chosen, "shuffled", importance)
by_size = numbers.control(chosen, "area", importance)["estimate"].mean()
sentence = frame.levels(table, "rank_alignment", chance["estimate"].mean())

with head:
    question = "Do students put the parts of an image in the same order as the teacher, most important first?"
    marks = frame.exploratory(chosen, importance)
    frame.opening(question, chosen, "rank", sentence, marks)

lines = {"by part size alone": by_size}
points = numbers.students(table)
spec = charts.dots(points, "rank_alignment", frame.names(chosen), frame.alphas(chosen), lines, chance)
charts.show(spec, "rank_chart", sentence)
frame.small_print(chosen, frame.teacher_note(chosen))
frame.definition("rank_alignment")
st.markdown(words.CONTROLS)

frame.table(table, "rank_alignment", f"{chosen.study.name}-rank-alignment")
with st.expander("How it spreads over the images"):
    spread = numbers.quartiles(chosen, cells(chosen)[1:], "rank_alignment", importance)
    spec = charts.spreads(spread, "rank_alignment", frame.names(chosen), frame.alphas(chosen))
    charts.show(spec, "rank_spread", "Rank alignment of single images: median, middle half, and nine in ten.")
    st.caption("Dot: the median image. Thick line: the middle half of the images. Thin line: nine in ten of them.")
