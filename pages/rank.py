"""Rank alignment: do students order the parts of an image as their teacher does? The poster's Figure 2."""

import streamlit as st

from core.findings import Analysis
from dashboard import charts, frame, numbers, words

chosen = frame.begin("Rank alignment")
head = st.container()
with st.container(horizontal=True, gap="medium"):
    importance = frame.importance_switch("rank")
    subset = frame.subset_switch("rank")
table = numbers.estimates(chosen, "rank_alignment", importance, subset=subset)
chance = numbers.control(chosen, "shuffled", importance)
by_size = numbers.control(chosen, "area", importance)["estimate"].mean()
sentence = frame.levels(table, "rank_alignment", chance["estimate"].mean())

with head:
    question = "Do students put the parts of an image in the same order as the teacher, most important first?"
    analysis = Analysis(chosen.method, importance, subset=subset)
    frame.opening(question, chosen, "rank", analysis, sentence)

lines = {"by part size alone": by_size}
points = numbers.students(table)
spec = charts.dots(points, "rank_alignment", frame.names(chosen), frame.alphas(chosen), lines, chance)
charts.show(spec, "rank_chart", sentence)
frame.small_print(chosen, frame.teacher_note(chosen))
frame.definition("rank_alignment")
st.markdown(words.CONTROLS)

frame.table(table, "rank_alignment", f"{chosen.study.name}-rank-alignment")
with st.expander("How it spreads over the images"):
    spread = numbers.spreads(chosen, importance)
    spec = charts.spreads(spread, "rank_alignment", frame.names(chosen), frame.alphas(chosen))
    charts.show(spec, "rank_spread", "Rank alignment of single images: median, middle half, and nine in ten.")
    st.caption(
        "Dot: the median image. Thick line: the middle half of the images. Thin line: nine in ten of them."
        + frame.first_seed(chosen, "They are of")
    )

asked = numbers.asked(chosen.study)
if asked is not None:
    st.subheader(asked.title, anchor=False)
    st.markdown(asked.sentence)
    effects = numbers.effects(chosen)
    charts.show(charts.effects(effects, "Change in rank alignment"), "effects", asked.sentence)
    st.caption(f"Integrated gradients less saliency: {'; '.join(asked.each)}. {words.BONFERRONI}")
