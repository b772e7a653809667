"""Logit alignment: do students order the classes as their teacher does? The poster's Figure 4."""

import streamlit as st

from core import literature
from core.figures import tables
from dashboard import charts, frame, gallery, leads, loaded, words
from dashboard.widgets import toggle

chosen = frame.begin("Logit alignment")
table = chosen.of(tables.estimates, "logit_alignment")
sentence = frame.levels(table, "logit_alignment")

st.markdown(f"## {sentence}")
st.caption("Do students put all the classes in the same order as the teacher, most likely first?")
with_poster = toggle("poster", "Show the poster's numbers", True)
poster = chosen.of(literature.poster_logits)
points = leads.networks(chosen, tables.students(table), "logit_alignment lowest")
chance, untrained = (chosen.of(tables.control, by, measure="logit_alignment") for by in ("shuffled", "random network"))
theirs = poster if with_poster else None
figure = charts.dots(
    points, "logit_alignment", frame.names(chosen), frame.alphas(chosen), {}, chance, theirs, untrained, numbers=True
)
two = "With two classes it can only be 1 or −1." if len(gallery.classes(chosen.study)) == 2 else ""
charts.show(figure, "logit_chart", sentence, "logit_alignment", about=two)
if with_poster:
    st.caption(words.POSTER_CAPTION)
frame.small_print(chosen, frame.teacher_note(chosen))
frame.table(table, "logit_alignment")
with st.expander("The poster's own table"):
    st.dataframe(tables.as_table(poster, frame.names(chosen)), alt="The poster's Figure 4")

st.subheader("Do outputs and explanations move together?", anchor=False)
finding = loaded.claim(chosen.study, "logit")
if finding is not None:
    frame.verdict(finding)
    st.markdown(finding.sentence)
    st.caption(finding.controls)
    frame.each(finding)
both = leads.networks(chosen, chosen.of(tables.together), "rank_alignment lowest")
said = "Each network by how far its outputs (across) and where it looks (up) agree with the teacher's."
charts.show(charts.together(both, frame.alphas(chosen)), "together", said, "logit_alignment", "rank_alignment")
with st.expander("The numbers, with accuracy held fixed and without"):
    columns = {name: st.column_config.NumberColumn(format="%.2f") for name in ("ρ", "low", "high")}
    associations = chosen.of(tables.associations)
    st.dataframe(associations, hide_index=True, column_config=columns, alt="Rank correlations of the two alignments")
    st.caption(words.ASSOCIATION_CAPTION)
