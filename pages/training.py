"""Training results: does distillation make the smaller students more accurate? The poster's Figure 1."""

from dataclasses import replace

import streamlit as st

from core.figures import tables
from core.findings import Analysis, nice_name
from dashboard import charts, frame, gallery, leads, loaded
from dashboard.state import cells
from dashboard.widgets import choose

chosen = frame.begin("Training results", method=False)
table = chosen.of(tables.estimates, "accuracy")
sentence = frame.levels(table, "accuracy")
question = "Are the smaller students more often right when they also learn from the teacher?"
frame.opening(question, chosen, "training", Analysis(), sentence)

lines = {"the teacher": tables.teacher_value(table), "by chance": 1 / len(gallery.classes(chosen.study))}
points = leads.networks(chosen, tables.students(table), gallery.WRONG)
figure = charts.dots(points, "accuracy", frame.names(chosen), frame.alphas(chosen), lines, numbers=True)
charts.show(
    figure,
    "training_chart",
    sentence,
    "accuracy",
    about="A mark leads to its images, those on which it is wrong first.",
)
frame.small_print(chosen, maps=False)
frame.table(tables.students(table), "accuracy")
with st.expander("How the training went"):
    curves = {
        "validation_accuracy": "Accuracy on images held out",
        "train_accuracy": "Accuracy on the training images",
        "loss": "Loss",
    }
    trained = [name for name in chosen.config.students.architectures if name in chosen.architectures]
    if not trained:
        st.info("The networks chosen were imported: how they were trained is not known here.")
        st.stop()
    network = choose("curve_of", "Network", trained, trained[0], nice_name)
    column = choose("curve", "Curve", list(curves), "validation_accuracy", lambda name: curves[name])
    shown = [cell for cell in cells(chosen) if cell.architecture == network and cell.alpha is not None]
    others = [replace(cell, seed=seed) for cell in shown for seed in chosen.config.students.seeds[1:]]
    # Of the first seed all are there; of others somebody may have left them out to save room.
    shown += [cell for cell in others if chosen.study.path("history", cell).exists()]
    course = tables.course(loaded.histories(chosen.study, shown), column)
    figure = charts.curves(leads.networks(chosen, course, gallery.WRONG), column, curves[column], frame.alphas(chosen))
    charts.show(figure, "training_curves", f"{curves[column]} of {nice_name(network)} over training.")
    if course["trainings"].max() > 1:
        st.caption(
            f"Lines: the mean of {course['trainings'].max()} trainings. Bands: the lowest to the highest of them."
        )
    elif of := frame.first_seed(chosen, "The curves are of"):
        st.caption(of)
    if column == "loss":
        st.caption("Losses at different α measure different things: compare the shape of the curves, not their height.")
