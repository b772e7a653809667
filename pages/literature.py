"""Beside the literature: what the poster and others report, next to what this study finds."""

import pandas as pd
import streamlit as st

from core import literature
from core.figures import tables
from core.figures.encoding import written
from dashboard import charts, frame, gallery, leads, loaded, words
from dashboard.names import plain

chosen = frame.begin("Beside the literature")
claims = loaded.claims(chosen.study)
networks, alphas = frame.names(chosen), frame.alphas(chosen)

st.markdown(f"## {literature.agreement(claims) or 'This study asks none of the questions of the poster.'}")
st.caption(f"What others report comes from other networks on other images. {literature.ELSEWHERE}")
beside = literature.findings_beside(claims)
signs = {verdict: text for verdict, (text, _) in words.VERDICTS.items()}
frame.unlooked(chosen, "This study's findings are")
st.table(
    pd.DataFrame(
        {
            "The poster": (beside["poster"] + " (" + beside["figure"] + ")").map(plain),
            "This study": beside["verdict"].map(signs).fillna("Not asked"),
            "In numbers": beside["sentence"].map(plain),
        }
    ).set_index("The poster"),
    width="stretch",
)
st.caption(f"The poster: {literature.POSTER.where}")
if stronger := loaded.stronger(chosen.study, chosen.weight):
    st.markdown(stronger)

st.subheader("Logit alignment: the poster's Figure 4", anchor=False)
poster = chosen.of(literature.poster_logits)
if poster.empty:
    st.markdown("The poster has no numbers for the networks and α shown.")
else:
    points = leads.networks(
        chosen, tables.students(chosen.of(tables.estimates, "logit_alignment")), "logit_alignment lowest"
    )
    figure = charts.poster_directions(points, poster, networks, alphas)
    said = "Logit alignment from α to α: the poster's hollow and dashed, this study's filled."
    charts.show(figure, "poster_chart", said, "logit_alignment", about=said)
    st.caption(f"Hollow marks on dashed lines: the poster. {literature.ELSEWHERE} {frame.teacher_note(chosen)}")
    moves = chosen.of(literature.directions)
    if len(moves):
        there = [f"{a:.2f} → {b:.2f}" for a, b in zip(moves["poster_from"], moves["poster_to"], strict=True)]
        change, low, high = (
            moves[name].map(lambda value: written(value, "+.3f")) for name in ("estimate", "low", "high")
        )
        rows = {
            "Network": moves["network"],
            f"Poster, α 1.0 → {moves['alpha'].iloc[0]}": there,
            "This study's change": change,
            "95 % interval": (low + " to " + high).where(moves["low"].notna(), "–"),
            "Direction": moves["moves"].replace("", "–"),
        }
        alt = "Which way logit alignment goes, in the poster and here"
        st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt=alt)

st.subheader("Whose map is nearer the teacher's: win rates", anchor=False)
st.markdown(f"{literature.OJHA.name}: {literature.OJHA.says}")
rates = leads.networks(chosen, chosen.of(literature.win_rates), gallery.CHANGED)
said = "Share of images on which the distilled student's map is nearer the teacher's; 50 % is chance."
charts.show(charts.win_rates(rates, alphas), "win_chart", said, "win_rate")
st.caption(f"Hollow: {literature.OJHA.where} {literature.ELSEWHERE}")
if not (rates["whose"] == "this study").any():
    st.info(literature.NO_WIN_RATE)

st.subheader("What else is reported", anchor=False)
for each in literature.OTHERS:
    st.markdown(f"**{each.name}.** {each.says} *Here:* {each.beside}")
    st.caption(each.where)
with st.expander("References"):
    for each in literature.everything():
        link = f" [{each.reference.link}]({each.reference.link})" if each.reference.link else ""
        st.markdown(f"{plain(str(each.reference))}{link}")
