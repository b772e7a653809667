"""Rank alignment: do students order the parts of an image as their teacher does? The poster's Figure 2."""

from dataclasses import replace

import streamlit as st

from core.figures import tables
from core.figures.looking import looks
from core.findings import Analysis
from dashboard import charts, frame, gallery, leads, loaded, words

chosen = frame.begin("Rank alignment")
head = st.container()
with st.container(horizontal=True, gap="medium"):
    importance = frame.importance_switch("rank")
    subset = frame.subset_switch("rank")
table = chosen.of(tables.estimates, "rank_alignment", importance, subset=subset)
chance = chosen.of(tables.control, "shuffled", importance)
by_size = chosen.of(tables.control, "area", importance)["estimate"].mean()
sentence = frame.levels(table, "rank_alignment", chance["estimate"].mean())

with head:
    question = "Do students put the parts of an image in the same order as the teacher, most important first?"
    analysis = Analysis(chosen.method, importance, subset=subset)
    frame.opening(question, chosen, "rank", analysis, sentence)

lines = {"by part size alone": by_size}
order = leads.order("rank_alignment", importance)
points = leads.networks(chosen, tables.students(table), order, None, **leads.answers(subset))
untrained = chosen.of(tables.control, "random network", importance)
figure = charts.dots(
    points,
    "rank_alignment",
    frame.names(chosen),
    frame.alphas(chosen),
    lines,
    chance,
    untrained=untrained,
    numbers=True,
)
charts.show(figure, "rank_chart", sentence, "rank_alignment", about=words.CONTROLS)
frame.small_print(chosen, frame.beside(chosen, subset))
frame.table(table, "rank_alignment")
with st.expander("How it spreads over the images"):
    spread = leads.networks(chosen, chosen.of(tables.spreads, importance), order)
    figure = charts.spreads(spread, "rank_alignment", frame.names(chosen), frame.alphas(chosen), chance)
    said = "Dot: the median image. Thick line: the middle half of the images. Thin line: nine in ten of them."
    said += " These are all images, whoever is right." if subset != "all" else ""
    charts.show(figure, "rank_spread", f"Rank alignment of single images. {said}", "rank_alignment", about=said)
    st.caption(said + frame.first_seed(chosen, "They are of"))

asked = loaded.asked(chosen.study)
if asked is not None:
    st.subheader(asked.title, anchor=False)
    st.markdown(asked.sentence)
    frame.unlooked(chosen, "These changes are")
    effects = chosen.of(tables.effects)
    effects["method"] = effects["method"].map(words.method_label)
    lowest = min(chosen.config.students.alphas)
    changes = leads.networks(replace(chosen, weight=0.0), effects.assign(alpha=lowest), gallery.CHANGED)
    charts.show(charts.effects(changes, "Change in rank alignment"), "effects", asked.sentence, "rank_alignment")
    st.caption(f"Integrated gradients less saliency: {'; '.join(asked.each)}. {words.BONFERRONI}")

looked = loaded.looked(chosen.study)
if looked is not None:
    st.subheader(looked.title, anchor=False)
    st.badge(words.LOOKED_BADGE, color="orange", help=words.LOOKING_HELP)
    st.markdown(looked.sentence)
    figure = charts.looks(looks(loaded.summary(chosen.study, None), chosen.view), frame.alphas(chosen))
    charts.show(figure, "looks", looked.sentence, "rank_alignment", "accuracy", about=words.LOOKED_CAPTION)
    st.caption(f"{words.LOOKED_CAPTION} {words.about_intervals(chosen.study)}")
    with st.expander("Each network by itself", key="looks of each"):
        st.markdown("\n".join(f"- {line}" for line in looked.each))
