"""What stands beside the findings: controls, the first research question, trade-offs and other measures."""

from typing import Any

import pandas as pd

from core import findings, sentences, tradeoffs
from core.cost_measures import COSTS
from core.figures import charts, tables
from core.figures.effects import effects
from core.figures.encoding import FORMATS
from core.figures.tables import estimates, teacher_value
from core.figures.tradeoffs import scatter
from core.findings import Analysis, nice_name
from core.measures import MEASURES
from core.report.pieces import NONE, Block, Entry, Figure, Items, Section, Table, Text, interval, number, table_of_rows
from core.report.results import (
    IMPORTANCE,
    OBJECT,
    Source,
    every_network,
    figure_of,
    how,
    missing,
    network,
)

CONTROLS = {
    "shuffled": "What the student makes of one image (importance, map or logits) against what the teacher makes of an "
    "image of another class: what a habit that both share on any image, such as looking at the middle, reaches.",
    "area": "Importance is the size of the part: what ranking parts by their size alone reaches.",
    "random network": "The same architecture, untrained: what its structure alone reaches.",
    "no distillation": "The same architecture and seed at α = 1.0; every difference above is taken to it.",
    "retrained teacher": "The teacher trained again from other seeds: a reference, not a bound; a distilled student "
    "may exceed it, and is never clipped.",
}
CONTROLLED = ("accuracy", "rank_alignment", "focus")
"""Measures of the findings; the controls of the others stand beside their numbers."""


def controls(source: Source) -> list[Section]:
    """Return what each control says, what it comes to, and which are missing and why."""
    summary = source.view.summary
    there = set(summary.loc[summary["kind"].isin(["control", "contrast"]), "control"])
    if len(_retrained(source, "rank_alignment")):
        there.add("retrained teacher")
    items = []
    for name, says in CONTROLS.items():
        if name in there:
            why = ""
        elif name == "no distillation":
            why = " Missing here: the study has no students both with and without distillation."
        elif name == "retrained teacher" and not source.by_seed:
            why = " Missing here: the study has one seed, so its teacher was trained once."
        elif name == "retrained teacher":
            why = " Missing here: the teacher's architecture is not among the students."
        else:
            why = " Missing here: the study was summarised before this control came in; running it again adds it."
        items.append((name[0].upper() + name[1:], says + why))
    sections = [Section("Controls", [Text("What an alignment would be without a reason:"), Items(tuple(items))])]
    sections[0].blocks.extend(block for measure in CONTROLLED for block in control_table(source, measure))
    sections.append(Section("Normalised alignment", _normalised(source), 3))
    return sections


def control_table(source: Source, measure: str) -> list[Block]:
    """Return what the controls of a measure come to; nothing where there are none."""
    lead = [
        ("Control", lambda row: str(row["control"])),
        ("Network", lambda row: "any" if row["control"] == "area" else network(row)),
        ("Trained", lambda row: f"{how(row)}, seed {row['seed']}" if _one_of_several(row, source) else how(row)),
    ]
    rows = source.of("control", measure)
    rows = rows[(rows["control"] != "area") | ~rows["control"].duplicated()]  # the same beside every student
    if not (rows["control"] == "retrained teacher").any() and measure != "accuracy":
        rows = pd.concat([rows, _retrained(source, measure)])
    rows = pd.concat([rows[rows["control"] == name] for name in CONTROLS])
    if rows.empty:
        return []
    caption = f"{MEASURES[measure].label}: what the controls come to."
    return [table_of_rows(f"controls-{measure}".replace("_", "-"), caption, rows, lead)]


def question(source: Source) -> Section:
    """Answer research question 1, whether distillation moves saliency and integrated gradients alike."""
    title = "Does distillation move saliency and integrated gradients alike?"
    summary = source.view.summary
    rows = source.ordered(summary[summary["kind"] == "question"])
    if rows.empty:
        if set(source.view.config.explain.methods) < {"saliency", "integrated_gradients"}:
            return Section(title, [Text("The study has only one of the two methods, so it cannot say.", "missing")])
        return Section(title, [missing("The comparison of the two methods")])
    answer = findings.question(summary, source.view.config)
    blocks: list[Block] = [Text(answer.sentence, "lead")] if answer is not None else []
    lead = [
        ("Measure", lambda row: MEASURES[row["measure"]].label if row["measure"] in MEASURES else str(row["measure"])),
        ("Of", lambda row: ", ".join(filter(None, [IMPORTANCE[row["importance"]], OBJECT[row["outside"]]]))),
        ("Network", network),
    ]
    asked = (rows["measure"] == "rank_alignment") & (rows["importance"] == "density") & (rows["subset"] == "all")
    others = rows[~asked & (rows["architecture"] == "") & (rows["subset"] == "all")]
    rows = pd.concat([rows[asked], others])
    caption = (
        "What distillation adds by integrated gradients, less what it adds by saliency. Anything but rank alignment "
        "per pixel is exploratory."
    )
    changes = tables.effects(source.view)
    changes = changes.assign(method=changes["method"].map(sentences.method_label))
    if changes["method"].nunique() > 1:
        about = (
            "What distillation at the lowest α adds to rank alignment, by each method; above 0 it moves the student's "
        )
        about += "ranks toward the teacher's."
        blocks.append(Figure("effects", about, about, effects(changes, "Change in rank alignment")))
    return Section(title, [*blocks, table_of_rows("question", caption, rows, lead, True)])


def trade_offs(source: Source) -> Section:
    """Return what each architecture costs, beside what it keeps."""
    summary = source.view.summary
    rows = summary[summary["kind"] == "cost"]
    if rows.empty:
        return Section("What it costs", [missing("Parameters, multiply-adds, file size and latency")])
    measures = tradeoffs.measured_costs(summary)
    body = []
    for (cell, architecture), own in source.ordered(rows).groupby(["cell", "architecture"], sort=False):
        costs = (_cost(own[own["measure"] == measure], measure) for measure in measures)
        body.append((Entry(str(cell) or nice_name(str(architecture))), *costs))
    caption = "What each architecture costs at the study's width and image size. Times: median, and the middle half."
    head = ("Network", *(COSTS[name].label for name in measures))
    blocks: list[Block] = [Table("costs", caption, head, tuple(body), rows)]
    blocks.append(Items(tuple((COSTS[name].label, COSTS[name].sentence) for name in measures)))
    if "parameters" in measures:
        blocks += [
            _weighed(source, measure) for measure in ("accuracy", "rank_alignment") if len(source.of("group", measure))
        ]
    return Section("What it costs", blocks)


def _weighed(source: Source, measure: str) -> Figure:
    """Draw what each network costs beside how good it is."""
    summary, config, label = source.view.summary, source.view.config, MEASURES[measure].label
    table = tradeoffs.points(summary, config, "parameters", measure, source.view.method)
    table["front"] = tradeoffs.pareto(table["cost"], table["estimate"])
    lines = tradeoffs.references(summary, config, table, measure, source.view.method)
    sentence = tradeoffs.front_sentence(table, "parameters", label, FORMATS.get(measure, ".2f"))
    spec = scatter(table, "parameters", measure, source.view.alphas, lines)
    return Figure(
        f"parameters-{measure}".replace("_", "-"),
        f"{label} beside the number of parameters. {sentence}",
        sentence,
        spec,
    )


def other_measures(source: Source) -> list[Section]:
    """Return every measure that no finding has shown, for every network."""
    sections = [Section("Other measures", [Text("None of them judges a finding: exploratory.", "small")])]
    for measure, about in MEASURES.items():
        if measure not in CONTROLLED:
            blocks: list[Block] = [Text(about.sentence, "small")]
            if len(source.of("group", measure)):
                table = estimates(source.view, measure, *Analysis(source.view.method).keys(measure)[1:])
                own = teacher_value(table)
                if measure in ("logit_alignment", "enrichment"):
                    lines = {"the teacher itself": own} if own is not None and measure == "enrichment" else {}
                    blocks.append(figure_of(source, measure, lines))
            blocks += [*every_network(source, measure), *control_table(source, measure)]
            sections.append(Section(about.label, blocks, 3))
    return sections


def parts(source: Source) -> list[Section]:
    """Return which parts the smallest student relies on, beside the teacher, and what distillation changes in that.

    Nothing where the study has no such rows.
    """
    rows = source.view.summary
    rows = rows[(rows["kind"] == "part") & (rows["measure"] == "part_share") & (rows["method"] == source.view.method)]
    changes = rows[rows["control"] == "no distillation"]
    rows = rows[rows["control"] == ""]
    pupils = [a for a in source.view.architectures if ((rows["architecture"] == a) & (rows["cell"] == "")).any()]
    if not pupils:
        return []
    rows = rows[(rows["cell"] != "") | (rows["architecture"] == pupils[-1])]
    role = rows["cell"].map(lambda cell: "teacher" if cell else "student")
    table = rows.assign(part=rows["subset"], share=rows["estimate"], role=role)
    order = table[table["role"] == "teacher"].sort_values("share", ascending=False)["part"].to_list()
    name = nice_name(pupils[-1])
    spec = charts.parts(table, source.view.alphas, order or sorted(set(table["part"])))
    caption = f"Share of its looking that {name} gives to each part (marks), and the teacher (bars)."
    lead = [
        ("Part", lambda row: str(row["subset"])),
        ("Network", lambda row: "the teacher" if row["cell"] else network(row)),
        ("Trained", how),
    ]
    blocks: list[Block] = [Figure("parts", caption, caption, spec), table_of_rows("parts", caption, rows, lead)]
    changes = source.ordered(changes[changes["architecture"] == pupils[-1]])
    if len(changes):
        unsure = "each interval is of one part by itself" if source.by_seed else "trained once, so without an interval"
        caption = f"What distillation changes in the share that {name} gives to each part, paired by seed; {unsure}."
        lead = [("Part", lambda row: str(row["subset"])), ("Trained", how)]
        blocks.append(table_of_rows("parts-difference", caption, changes, lead, True))
    return [Section("Which parts they rely on", blocks)]


def _normalised(source: Source) -> list[Block]:
    summary = source.view.summary
    rows = source.ordered(summary[(summary["kind"] == "normalised") & (summary["method"] == source.view.method)])
    rows = rows[rows["importance"].isin(["", "density"]) & rows["outside"].isin(["", "parts"])]
    text = "(student − shuffled) / (retrained teacher − shuffled): 0 is chance, 1 is a teacher trained again."
    if rows.empty:
        why = "the study has one seed" if not source.by_seed else "this study has none that is clearly above chance"
        return [Text(f"{text} It takes teachers trained again, and {why}.", "missing")]
    lead: list[Any] = [
        ("Measure", lambda row: MEASURES[row["measure"]].label if row["measure"] in MEASURES else str(row["measure"])),
        ("Network", network),
        ("Trained", how),
    ]
    return [table_of_rows("normalised", text, rows, lead)]


def _retrained(source: Source, measure: str) -> pd.DataFrame:
    """Return the teacher trained again as a study tells it that has no such control: as a student at α = 1.0."""
    rows = source.of("group", measure)
    again = (rows["architecture"] == source.view.config.teacher.architecture) & (rows["alpha"] == 1)
    return rows[again].assign(control="retrained teacher")


def _one_of_several(row: pd.Series, source: Source) -> bool:
    return source.by_seed and str(row["seed"]).isdigit() and row["control"] != "area"


def _cost(found: pd.DataFrame, measure: str) -> Entry:
    if found.empty:
        return Entry(NONE)
    row = found.iloc[0]
    text = number(row["estimate"], measure)
    if pd.notna(row["low"]):
        text += f" {interval(row['low'], row['high'], measure)}"
    return Entry(text, int(found.index[0]))
