"""The question, its answer in one sentence, a picture, and the four findings."""

import streamlit as st

from core.figures import tables
from core.findings import not_judged
from dashboard import charts, frame, leads, loaded, reporting, words
from dashboard.names import plain
from dashboard.navigation import link
from dashboard.strip import strip

chosen = frame.begin("Where models look")
study = chosen.study
claims = loaded.claims(study)
once = len(study.config.students.seeds) == 1
verdicts = {finding.page: finding.verdict for finding in claims}

st.markdown(words.QUESTION)
st.markdown(f"## {words.answer(verdicts.get('focus'), verdicts.get('rank'), once)}")
frame.unlooked(chosen, "This answer, the maps below it and all that this study finds are")

picture = strip(study, chosen.method)
if picture is not None:
    with st.container(horizontal=True):
        for shown, caption, text in zip(picture.pictures, picture.captions, picture.texts, strict=True):
            st.image(shown, caption=caption, width=160, alt=text)
    of = frame.first_seed(chosen, "The maps are of")
    st.caption(words.STRIP_CAPTION.format(method=words.method_label(chosen.method)) + of)
    link("explanations", "See this image in every network →", image=str(picture.image))

table = chosen.of(tables.estimates, "rank_alignment", "density")
chance = chosen.of(tables.control, "shuffled", "density")
points = leads.networks(chosen, tables.students(table), "rank_alignment lowest")
untrained = chosen.of(tables.control, "random network", "density")
figure = charts.dots(
    points, "rank_alignment", frame.names(chosen), frame.alphas(chosen), {}, chance, untrained=untrained, numbers=True
)
charts.show(figure, "home_chart", frame.levels(table, "rank_alignment"), "rank_alignment")
st.caption(words.HOW_TO_READ)
frame.small_print(chosen, frame.teacher_note(chosen))

st.subheader("What this study finds", anchor=False)
if not claims:
    st.markdown(f"None of the four claims can be judged here. {words.RUN_AGAIN.format(command=study.command)}")
for finding in claims:
    with st.container(border=True):
        frame.verdict(finding)
        st.markdown(finding.sentence)
        if finding.controls:
            st.caption(finding.controls)
        frame.each(finding)
        link(finding.page, "See why →")
if claims and (left := not_judged(claims, chosen.config)):
    st.caption(left)
for asked in filter(None, (loaded.asked(study), loaded.looked(study))):
    with st.container(border=True):
        st.markdown(f"**{asked.title}**")
        if asked.exploratory:
            st.badge(words.LOOKED_BADGE, color="orange", help=words.LOOKING_HELP)
        st.markdown(asked.sentence)
        link("rank", "See why →")

st.subheader("About", anchor=False)
st.markdown(words.ABOUT)
if knows := loaded.knows(study):
    st.markdown(f"These networks know {plain(knows)}.")
st.markdown("The report has all of it in one file: sentences, figures, tables, controls, and how to make it again.")
reporting.offer(study)
with st.expander("How this study was made"):
    frame.provenance(study)
with st.expander("How to cite"):
    st.markdown(words.CITE)
    st.code(words.citation(study), language="bibtex", wrap_lines=True)
