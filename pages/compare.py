"""Compare two: do two studies find the same, and by how much do their numbers differ?"""

from dataclasses import replace

import streamlit as st

from core import comparison
from core.errors import UserError
from core.findings import nice_name
from core.measures import MEASURES
from dashboard import charts, compared, frame, leads, loaded, weighed
from dashboard.names import plain
from dashboard.widgets import choose, select

chosen = replace(frame.begin("Compare two studies", looking=False), weight=0.0)
first = chosen.study
others = compared.others(first)
if not others:
    st.info("That takes a second study that is finished. Begin one on the page Studies.")
    st.stop()
head = st.container()
second = loaded.study(select("beside", "Beside which study", others, others[0]))
names = (first.folder.name, second.folder.name)
try:
    loaded.summary(second)
except UserError as error:
    st.error(plain(str(error)))
    st.stop()
claims = loaded.claims(first), loaded.claims(second)

with head:
    st.markdown(f"## {plain(comparison.agreement(*claims, names))}")
    st.caption("Do two studies find the same? The first is the one chosen on the left.")

method = compared.shared_method(chosen.method, first, second)
views = compared.shown(chosen, method), compared.view(second, method)
measures = compared.measured(method)
usual = "rank_alignment" if method else measures[0]
measure = choose("compared", "Measure", measures, usual, lambda name: MEASURES[name].label)
table = comparison.differences(*views, measure)
if table.empty:
    st.info("They have no student in common (of those chosen on the left): no architecture at the same α.")
else:
    title = f"{MEASURES[measure].label}: {names[0]} less {names[1]}"
    networks = [nice_name(name) for name in views[0].architectures]
    alphas = sorted({*first.config.students.alphas, *second.config.students.alphas}, reverse=True)
    points = leads.networks(chosen, table, weighed.SORTS[measure])
    spec = compared.differences_chart(points, measure, title, names, networks, alphas)
    opens = f"{leads.note(chosen)} They are those of {plain(names[0])}."
    charts.show(spec, "differences", f"{title}, a point for every network and α that both have.", measure, opens=opens)
    st.caption(
        f"Above the dashed line: higher in {plain(names[0])}. A line that crosses it: they may well be the same. The "
        "intervals are those of the two studies put together (MOVER), each as that study has it: over its images with "
        "one training, over its trainings with several. Networks of one architecture may differ in width and training."
    )
    compared.numbers(table, measure, names)

effects = comparison.effects(*views)
if len(effects):
    st.subheader("What distillation changes", anchor=False)
    st.markdown("Distilled students at the lowest α less undistilled ones, on average over the smaller students.")
    compared.effects_table(effects, names)

st.subheader("What each finds", anchor=False)
compared.findings(*claims, names)

st.subheader("Where their settings differ", anchor=False)
compared.settings(first, second)
