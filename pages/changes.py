"""Where did it change: on which images, on which parts, and whether outputs and explanations change together."""

import streamlit as st

from core.figures import images, shares, tables
from core.findings import nice_name
from core.measures import MEASURES
from dashboard import changed, charts, frame, gallery, leads, words
from dashboard.names import looks, plain, short, subject, title
from dashboard.navigation import link
from dashboard.state import cells
from dashboard.widgets import choose, select

chosen = frame.begin("What changed")
study = chosen.study
students, older = cells(chosen)[1:], plain(words.OLDER.format(command=study.command))
if not students:
    st.markdown("## Choose more networks and α on the left to compare them with the teacher.")
    st.stop()
head = st.container()
usual = changed.usual(students)
cell = select("student", "Student", students, usual, lambda each: short(each, study.teacher), words.STUDENT_HELP)
known = changed.measured(study, cell, chosen.method)
if not known:
    st.info(plain(words.NO_IMAGES.format(command=study.command)))
    st.stop()
measure = choose("agree_by", "Agreement by", known, known[0], lambda name: MEASURES[name].label, words.AGREEMENT_HELP)
agreed = changed.agreement(chosen, cell, measure)
with head:
    st.markdown(
        f"## {plain(images.sentence(agreed, subject(cell), measure) + changed.other_seeds(chosen, cell, measure))}"
    )
    st.caption("Where do student and teacher look alike, and where did distillation change it?")

st.subheader("The images", anchor=False)
order = choose("order", "First come", list(changed.ORDERS), "least", changed.ORDERS.__getitem__, words.ORDER_HELP)
column = images.ORDERS[order][0]
name = select(gallery.CLASS, "Class", [gallery.EVERY_CLASS, *sorted(set(agreed["name"]))], gallery.EVERY_CLASS)
which = choose("among", "Among", list(changed.CAN_OPEN), "kept", changed.CAN_OPEN.__getitem__, words.AMONG_HELP)
rows = agreed if name == gallery.EVERY_CLASS else agreed[agreed["name"] == name]
rows = rows[rows["kept"]] if which == "kept" else rows
if column == "change" and agreed["alone"].isna().all():
    st.info(words.NOT_DISTILLED)
elif (first := images.extremes(rows, order, changed.COUNT)).empty:
    st.info("No image is like that, or the number is undefined on all of them.")
else:
    changed.strip(chosen, cell, first, column)
st.caption(changed.about(chosen, rows, len(agreed), column, measure))

st.subheader("Class by class", anchor=False)
per_class = images.by_class(agreed, column)
label = MEASURES[measure].label + (": distilled less undistilled" if column == "change" else "")
if per_class["n"].any():
    sort = gallery.CHANGED if column == "change" else f"{measure} lowest"
    each = agreed.assign(link=leads.images(chosen, cell, agreed))
    there = set(agreed.loc[agreed["kept"], "name"])
    links = [leads.to_cell(chosen, cell, sort, of_class=n) if n in there else "" for n in per_class["name"]]
    means = per_class.assign(link=links)
    lines = {"no change": 0.0} if column == "change" else {"the mean of all images": agreed[column].mean()}
    said = f"{label} of every image, and the mean of each class."
    figure = charts.classes(each, means, column, label, lines)
    opens = f"{leads.image_note(each.dropna(subset=[column]))} A dot opens those of its class."
    charts.show(figure, "class_chart", said, measure, about=words.CLASSES_CAPTION, opens=opens)
    st.caption(words.CLASSES_CAPTION + ("" if column == "change" else changed.by_chance(chosen, cell, measure)))
    changed.class_table(per_class, label)
changed.table(agreed, f"{study.name}-{cell.name}-{measure}")

st.subheader("The parts that gained and lost its looking", anchor=False)
looking = changed.shares(chosen, cell)
moved = shares.moves(looking, cell.alpha or 1.0)
if chosen.config.data.dataset == "folder":
    st.markdown(words.NO_PARTS)
elif cell.alpha in (None, 1.0) or moved.empty:
    st.markdown(words.NOT_DISTILLED if len(looking) else older)
else:
    said = shares.sentence(moved, title(cell), f"α = {cell.alpha}{looks(cell)}")
    st.markdown(plain(said))
    shown = leads.networks(chosen, looking, "rank_alignment lowest", cell)
    figure = charts.slopes(shown, cell.alpha, frame.alphas(chosen))
    charts.show(figure, "slope_chart", said, about=words.SLOPES_CAPTION)
    once = f" {words.SLOPES_ONCE}" if len(chosen.config.students.seeds) == 1 else ""
    st.caption(words.SLOPES_CAPTION + once)
    changed.part_table(moved)
    frame.small_print(chosen)

st.subheader("Do its outputs and explanations move together?", anchor=False)
both = changed.pairs(chosen, cell)
said = "Each image by how far outputs (across) and where the network looks (up) agree with the teacher's."
linked = both.assign(link=leads.images(chosen, cell, both))
opens = leads.image_note(linked.dropna(subset=["logit", "rank"]))
charts.show(charts.within(linked), "within_chart", said, "logit_alignment", "rank_alignment", opens=opens)
st.caption(changed.undefined(chosen, both))
associations = chosen.of(tables.associations, cell.architecture, cell.alpha)
if associations.empty:
    st.markdown("The study has no correlation of the two for an imported network." if cell.alpha is None else older)
else:
    columns = {name: st.column_config.NumberColumn(format="%.2f") for name in ("ρ", "low", "high")}
    alt = f"Rank correlations of the two alignments, {nice_name(cell.architecture)}"
    st.dataframe(associations, hide_index=True, column_config=columns, alt=alt)
    st.caption(f"{words.ASSOCIATION_CAPTION} {words.ASSOCIATION_COUNTED}")
link("logit", "The same across the networks →")
