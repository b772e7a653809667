"""Trade-offs: what does a small network give up, in accuracy and in where it looks? Research question 2."""

import streamlit as st

from core import tradeoffs
from core.cost_measures import COSTS
from core.figures.encoding import FORMATS
from core.findings import Analysis
from core.measures import MEASURES
from dashboard import charts, frame, leads, weighed, words
from dashboard.names import plain
from dashboard.widgets import choose, select, slide

chosen = frame.begin("Trade-offs")
summary = weighed.rows(chosen)
costs, qualities = tradeoffs.measured_costs(summary), tradeoffs.measured_qualities(summary)
if not costs or not qualities:
    st.info(plain(words.NO_COSTS.format(command=chosen.study.command)))
    st.stop()

head = st.container()
cost = choose("cost", "Cost", costs, costs[0], weighed.cost_label, words.COST_HELP)
usual = "rank_alignment" if "rank_alignment" in qualities else qualities[0]
measure = select("against", "Against", qualities, usual, weighed.measure_label)
table = weighed.points(chosen, cost, measure)
label, form = MEASURES[measure].label, FORMATS.get(measure, ".2f")
sentence = words.NO_FRONT if measure in tradeoffs.NO_FRONT else tradeoffs.front_sentence(table, cost, label, form)
with head:
    question = "What does a smaller network give up, in accuracy and in where it looks?"
    frame.opening(question, chosen, "tradeoffs", Analysis(chosen.method), plain(sentence))

lines = tradeoffs.references(summary, chosen.config, table, measure, chosen.method)
points = leads.networks(chosen, table, weighed.SORTS.get(measure, ""))
figure = charts.tradeoffs(points, cost, measure, frame.alphas(chosen), lines)
about = f"**{COSTS[cost].label}.** {COSTS[cost].sentence}"
charts.show(figure, "tradeoffs_chart", plain(sentence), measure, about=about)
if measure not in tradeoffs.NO_FRONT:
    st.caption(words.TRADEOFFS_CAPTION)
frame.small_print(chosen, weighed.missing(chosen, measure, lines))

st.subheader("How small may it be?", anchor=False)
if "rank_alignment" not in qualities or "accuracy" not in qualities:
    st.markdown("That takes the accuracy of the students and their rank alignment, which this study does not have.")
else:
    place = st.container()
    percents = range(0, 101)
    accuracy = slide(
        "keep_accuracy", "Of the teacher's accuracy, at least", percents, 90, " %", words.ACCURACY_KEPT_HELP
    )
    looking = slide("keep_looking", "Of its looking, at least", percents, 70, " %", words.LOOKING_KEPT_HELP)
    answer = tradeoffs.smallest(weighed.students(chosen, cost), accuracy / 100, looking / 100, cost)
    place.markdown(f"## {plain(answer.sentence)}")
    st.caption(words.SMALLEST_CAPTION)

weighed.table(chosen, costs, qualities, f"{chosen.study.called}-trade-offs")
