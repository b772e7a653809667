"""Training results: does distillation make the smaller students more accurate? The poster's Figure 1."""

import streamlit as st

from core.findings import nice_name
from dashboard import charts, frame, numbers
from dashboard.state import cells
from dashboard.widgets import choose

chosen = frame.begin("Training results", method=False)
table = numbers.estimates(chosen, "accuracy")
sentence = frame.levels(table, "accuracy")
question = "Are the smaller students more often right when they also learn from the teacher?"
frame.opening(question, chosen, "training", numbers.PRIMARY, sentence)

lines = {"the teacher": numbers.teacher_value(table)}
points = numbers.students(table)
spec = charts.dots(points, "accuracy", frame.names(chosen), frame.alphas(chosen), lines)
charts.show(spec, "training_chart", sentence)
frame.small_print(chosen, maps=False)
frame.definition("accuracy")

frame.table(points, "accuracy", f"{chosen.study.name}-accuracy")
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
    history = numbers.histories(chosen, [cell for cell in cells(chosen) if cell.architecture == network])
    spec = charts.curves(history, column, curves[column], frame.alphas(chosen))
    charts.show(spec, "training_curves", f"{curves[column]} of {nice_name(network)} over training.")
    if of := frame.first_seed(chosen, "The curves are of"):
        st.caption(of)
    if column == "loss":
        st.caption("Losses at different α measure different things: compare the shape of the curves, not their height.")
