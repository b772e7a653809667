"""The four findings of a study, each with its figure and its numbers."""

from dataclasses import dataclass

import pandas as pd

from core import sentences
from core.cells import teacher_cell
from core.figures import charts, tables
from core.figures.encoding import trained
from core.figures.tables import View, estimates, students, teacher_value
from core.findings import Analysis, Finding, nice_name, not_judged, verdict
from core.measures import MEASURES
from core.report.pieces import SIGNS, Block, Figure, Items, Section, Text, Verdict, table_of_rows

PAGES = {1: "accuracy", 2: "rank_alignment", 3: "focus"}
"""The measure of a claim; the fourth is of two."""
OBJECT = {"": "", "parts": "within the object", "image": "of the whole image"}
IMPORTANCE = {"": "", "density": "per pixel", "mass": "in total"}
WHOM = {"all": "all", "both right": "both right"}
"""Images by subset: all, or those that both networks get right."""


@dataclass(frozen=True, eq=False)
class Source:
    """What the sections are made from."""

    view: View
    found: list[Finding]
    by_seed: bool
    """Whether there are several seeds."""

    @property
    def networks(self) -> list[str]:
        """Architectures and imported networks, from left to right."""
        return tables.names(self.view)

    def of(self, kind: str, measure: str, subset: str = "all") -> pd.DataFrame:
        """Return rows of one kind and measure by the primary analysis, or the nearest there is to it."""
        method, importance, outside = Analysis(self.view.method).keys(measure)
        rows = self.view.summary
        keys = {"kind": kind, "measure": measure, "importance": importance, "outside": outside, "subset": subset}
        for column, value in keys.items():
            rows = rows[rows[column] == value]
        return self.ordered(rows[rows["method"].isin(["", method])])

    def ordered(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows by architecture as the study lists them, then α from 1.0 down."""
        place = {name: i for i, name in enumerate(self.view.architectures)}
        return rows.sort_values(
            ["architecture", "alpha"],
            key=lambda c: c.map(place).fillna(len(place)) if c.name == "architecture" else -c,
            kind="stable",
        )


def network(row: pd.Series) -> str:
    """Name the network of a row; a mean over the smaller students has none."""
    if row["alpha"] != row["alpha"] and row["cell"]:
        return str(row["cell"])
    return nice_name(str(row["architecture"])) if row["architecture"] else "on average"


def how(row: pd.Series) -> str:
    """Say how the network of a row was trained."""
    if row["control"] == "random network":
        return "not at all"
    if pd.isna(row["alpha"]) or row["control"] == "area":
        return ""
    return f"undistilled, α = {row['alpha']}" if row["alpha"] == 1 else trained(row["alpha"])


def findings_sections(source: Source) -> list[Section]:
    """Return a section a finding."""
    sections = [Section("Findings", [Text(_how_to_read(source), "small")])]
    for finding in source.found:
        blocks: list[Block] = [Verdict(finding.verdict, finding.sentence)]
        blocks += [Text(said) for said in (finding.detail, finding.controls) if said]
        if finding.each:
            holds = "; the intervals of the differences hold for all of them together" if finding.claim < 4 else ""
            blocks.append(Text(f"Each by itself{holds}:"))
            blocks.append(Items(tuple((SIGNS[each.verdict], each.sentence) for each in finding.each)))
        measure = PAGES.get(finding.claim)
        blocks += _of_measure(source, measure) if measure else _together(source) if finding.claim == 4 else []
        sections.append(Section(f"{finding.claim}. {finding.title}", blocks, 3))
    if not source.found:
        sections[0].blocks.append(Text(sentences.NO_ANSWER, "missing"))
    elif left := not_judged(source.found, source.view.config):
        sections[0].blocks.append(Text(left, "missing"))
    return sections


def figure_of(source: Source, measure: str, lines: dict[str, float]) -> Figure:
    """Draw a measure of all networks beside its controls and `lines`, with its definition and what it shows."""
    view = source.view
    importance, outside = Analysis(view.method).keys(measure)[1:]
    table = estimates(view, measure, importance, outside)
    chance, untrained = (
        tables.control(view, name, importance, measure, outside) for name in ("shuffled", "random network")
    )
    spec = charts.dots(students(table), measure, source.networks, view.alphas, lines, chance, untrained=untrained)
    said = sentences.levels(table, measure, chance["estimate"].mean() if measure == "rank_alignment" else None)
    return Figure(measure.replace("_", "-"), f"{MEASURES[measure].label}. {MEASURES[measure].sentence}", said, spec)


def every_network(source: Source, measure: str, caption: str = "") -> list[Block]:
    """Return a measure's numbers for every network, or the sentence that there are none."""
    label = MEASURES[measure].label if measure in MEASURES else measure
    rows = source.of("group", measure)
    cells = source.of("cell", measure)
    own = cells["cell"] == teacher_cell(source.view.config).name
    strangers = cells["alpha"].isna()
    if measure in ("accuracy", "focus", "enrichment", "focus_ratio") and source.by_seed:
        rows = pd.concat([cells[own], rows])
    rows = pd.concat([rows, cells[strangers]])
    if rows.empty:
        return [missing(label)]
    lead = [
        ("Network", network),
        ("Trained", lambda row: _beside_the_teacher(row, source, measure)),
    ]
    return [table_of_rows(measure.replace("_", "-"), caption or f"{label} of every network.", rows, lead)]


def _beside_the_teacher(row: pd.Series, source: Source, measure: str) -> str:
    """Say how the network of a row was trained, and what it is to the teacher."""
    teacher = teacher_cell(source.view.config)
    if row["cell"] == teacher.name:
        return "the teacher itself"
    said = how(row)
    if (row["architecture"], row["alpha"]) != (teacher.architecture, teacher.alpha) or row["cell"]:
        return said
    if not source.by_seed:
        return f"{said}: the teacher"
    return said if measure == "accuracy" else f"{said}: the teacher's network trained anew"


def missing(what: str) -> Text:
    """Say that a study was summarised before something came in."""
    return Text(
        f"{what}: not in this study, which was summarised before it came in. Running the study again adds it; its "
        "networks are kept.",
        "missing",
    )


def _how_to_read(source: Source) -> str:
    each = "Each number is the mean of several trainings" if source.by_seed else "Each number is a mean over images"
    rests = "trainings it rests on (of the teacher itself, images)" if source.by_seed else "images it rests on"
    return (
        f"{each}, with its 95 % interval in brackets. From: how many {rests}. Left out: how many images have no such "
        "number. A claim is supported where the interval of the difference lies above 0, contradicted where it lies "
        "below, and else not settled."
    )


def _of_measure(source: Source, measure: str) -> list[Block]:
    view = source.view
    table = estimates(view, measure, *Analysis(view.method).keys(measure)[1:])
    lines: dict[str, float] = {}
    if measure == "rank_alignment":
        lines = {"by part size alone": tables.control(view, "area", "density")["estimate"].mean()}
    elif (own := teacher_value(table)) is not None:
        lines = {"the teacher itself": own}
    figure = figure_of(source, measure, lines)
    return [figure, *every_network(source, measure), *_differences(source, measure)]


def _differences(source: Source, measure: str) -> list[Block]:
    """Return what distillation changes: as the claim is judged, and as it would be by other choices."""
    rows = source.view.summary
    rows = source.ordered(rows[(rows["kind"] == "finding") & (rows["measure"] == measure)])
    method, importance, outside = Analysis().keys(measure)
    primary = (rows["importance"] == importance) & (rows["outside"] == outside) & (rows["method"] == method)
    whom = [("Images", whose_images)] if rows["subset"].nunique() > 1 else []
    blocks: list[Block] = []
    judged = rows[primary]
    if len(judged):
        caption = (
            f"{MEASURES[measure].label}: distilled less undistilled, at the lowest α. Intervals of single networks "
            "are wide enough to hold for all of them together (Bonferroni)."
        )
        lead = [("Network", network), *whom]
        blocks.append(table_of_rows(f"{measure}-difference".replace("_", "-"), caption, judged, lead, True, verdict))
    others = rows[~primary & (rows["architecture"] == "")]
    if len(others):
        lead = [("By", analysis), *whom]
        caption = f"{MEASURES[measure].label} by other choices, over all smaller students: exploratory, proves nothing."
        blocks.append(table_of_rows(f"{measure}-exploratory".replace("_", "-"), caption, others, lead, True, verdict))
    return blocks


def whose_images(row: pd.Series) -> str:
    """Say over which images a row was computed."""
    return WHOM.get(row["subset"], str(row["subset"]))


def analysis(row: pd.Series) -> str:
    """Say by which choices a row was computed."""
    words = [sentences.method_label(row["method"]) if row["method"] else ""]
    words += [IMPORTANCE.get(row["importance"], row["importance"]), OBJECT.get(row["outside"], row["outside"])]
    return ", ".join(filter(None, words))


def _together(source: Source) -> list[Block]:
    both = tables.together(source.view)
    caption = (
        "Rank alignment (where a network looks) against logit alignment (what it answers), a point a network; lines "
        "join the α of one architecture."
    )
    spec = charts.together(both, source.view.alphas)
    rows = source.view.summary
    rows = rows[(rows["kind"] == "association") & (rows["architecture"] == "")]
    exploratory = (rows["method"] != source.view.method) | (rows["importance"] != "density")
    rows = pd.concat([rows[~exploratory], rows[exploratory]])
    lead = [
        ("Compared", lambda row: tables.COMPARED[str(row["subset"])]),
        ("Held fixed", lambda row: str(row["control"]) or "nothing"),
        ("By", analysis),
    ]
    figure = Figure("together", caption, "Each network by both of its alignments with the teacher.", spec)
    about = f"{sentences.ASSOCIATION_CAPTION} Anything but integrated gradients per pixel is exploratory."
    caption = "Outputs and explanations: Spearman's ρ of the two alignments."
    return [figure, table_of_rows("together", caption, rows, lead), Text(about, "small")]
