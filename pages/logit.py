"""Logit alignment: do students order the classes as their teacher does? The poster's Figure 4."""

import streamlit as st

from dashboard import charts, frame, gallery, numbers, words

chosen = frame.begin("Logit alignment")
table = numbers.estimates(chosen, "logit_alignment")
sentence = frame.levels(table, "logit_alignment")

st.markdown(f"## {sentence}")
st.caption("Do students put all the classes in the same order as the teacher, most likely first?")
with_poster = st.toggle("Show the poster's numbers", value=True, key="poster", bind="query-params")
poster = numbers.poster_logits(chosen)
points = numbers.students(table)
shown = poster if with_poster else None
spec = charts.dots(points, "logit_alignment", frame.names(chosen), frame.alphas(chosen), poster=shown)
charts.show(spec, "logit_chart", sentence)
if with_poster:
    st.caption(words.POSTER_CAPTION)
frame.small_print(chosen, frame.teacher_note(chosen))
frame.definition("logit_alignment")
if len(gallery.classes(chosen.study)) == 2:
    st.markdown("With two classes it can only be 1 or −1.")
frame.table(table, "logit_alignment", f"{chosen.study.name}-logit-alignment")
with st.expander("The poster's own table"):
    st.dataframe(numbers.as_table(poster, frame.names(chosen)), alt="The poster's Figure 4")

st.subheader("Do outputs and explanations move together?", anchor=False)
finding = numbers.claim(chosen.study, "logit")
if finding is not None:
    frame.verdict(finding)
    st.markdown(finding.sentence)
    st.caption(finding.controls)
both = numbers.together(chosen)
charts.show(charts.together(both, frame.alphas(chosen)), "together", "Rank alignment against logit alignment.")
with st.expander("The numbers, with accuracy held fixed and without"):
    columns = {name: st.column_config.NumberColumn(format="%.2f") for name in ("ρ", "low", "high")}
    associations = numbers.associations(chosen)
    st.dataframe(associations, hide_index=True, column_config=columns, alt="Rank correlations of the two alignments")
    st.caption(words.ASSOCIATION_CAPTION)
