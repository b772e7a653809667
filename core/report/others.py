"""The poster and the literature beside the study's own numbers."""

import pandas as pd

from core import literature, sentences
from core.figures import beside
from core.figures.tables import estimates, students
from core.findings import dose, verdict
from core.findings.dose import TOLD
from core.measures import MEASURES
from core.report.pieces import NONE, Block, Entry, Figure, Items, Section, Table, Text, interval, number, table_of_rows
from core.report.results import Source, network


def beside_others(source: Source) -> list[Section]:
    """Return the poster and the literature beside the study's own numbers."""
    view = source.view
    told = literature.findings_beside(source.found)
    body = tuple(
        (Entry(f"{row.poster} ({row.figure})"), Entry(str(row.verdict) or "not asked")) for row in told.itertuples()
    )
    said = literature.agreement(source.found)
    first: list[Block] = [Text(said)] if said else []
    first += [
        Text(f"What others report comes from other networks on other images. {literature.ELSEWHERE}", "small"),
        Table(
            "poster-findings", "The poster's findings beside this study's.", ("The poster", "This study"), body, told
        ),
    ]
    sections = [Section("Beside the literature", [*first, *_dose(source)])]
    poster = literature.poster_logits(view)
    if len(poster):
        points = students(estimates(view, "logit_alignment"))
        spec = beside.poster_directions(points, poster, source.networks, view.alphas)
        caption = (
            "Logit alignment from α to α: this study (filled) and the poster's Figure 4 (hollow, dashed). "
            f"{literature.ELSEWHERE} {sentences.teacher_note(view.config)}"
        )
        figure = Figure("poster", caption, "Logit alignment of the poster and of this study.", spec)
        sections.append(Section("The poster's Figure 4", [figure, _directions(source)], 3))
    rates = literature.win_rates(view)
    own = (rates["whose"] == "this study").any()
    caption = f"{literature.OJHA.name} (hollow): {literature.OJHA.says} {literature.OJHA.where} {literature.ELSEWHERE}"
    figure = Figure("win-rates", caption, "Win rates, with the line at 50 %.", beside.win_rates(rates, view.alphas))
    published = Table(
        "win-rates-published",
        f"Win rates of {literature.OJHA.name}: published numbers, none of this study.",
        ("Student", "Win rate"),
        tuple((Entry(value.who), Entry(number(value.value, "win_rate"))) for value in literature.OJHA.values),
        rates[rates["whose"] != "this study"],
    )
    tail = [] if own else [Text(literature.NO_WIN_RATE, "missing")]
    sections.append(Section("Whose map is nearer the teacher's", [figure, published, *tail], 3))
    items = tuple((each.name, f"{each.says} {each.where} Here: {each.beside}") for each in literature.OTHERS)
    references = tuple(("", str(each.reference)) for each in literature.everything())
    sections.append(Section("What else is reported", [Items(items)], 3))
    sections.append(Section("References", [Items(references)], 3))
    return sections


def _dose(source: Source) -> list[Block]:
    """Return whether stronger distillation does more; nothing of a study of fewer than three α."""
    said = dose(source.view.summary, source.view.config)
    if not said:
        return []
    rows = pd.concat([source.of("dose", measure) for measure in TOLD])
    lead = [("Measure", lambda row: MEASURES[row["measure"]].label), ("Network", network)]
    caption = (
        f"The strongest distillation less the next, {rows['control'].iloc[0]}, paired by seed. Intervals of single "
        "networks are wide enough to hold for all of them together (Bonferroni)."
    )
    return [Text(said), table_of_rows("dose", caption, rows, lead, True, verdict)]


def _directions(source: Source) -> Table:
    moves = literature.directions(source.view)
    body = []
    for row in moves.itertuples():
        change = number(row.estimate, "logit_alignment", True)  # type: ignore[arg-type]
        between = interval(row.low, row.high, "logit_alignment", True)  # type: ignore[arg-type]
        at = int(row.row)  # type: ignore[arg-type]
        there = f"{row.poster_from:.2f} → {row.poster_to:.2f}"
        moved = Entry(str(row.moves) or NONE)
        body.append((Entry(str(row.network)), Entry(there), Entry(change, at), Entry(between, at), moved))
    alpha = moves["alpha"].iloc[0] if len(moves) else ""
    head = ("Network", f"Poster, α 1.0 → {alpha}", "This study's change", "95 % interval", "Direction")
    return Table(
        "poster-directions", "Which way logit alignment goes: directions, not heights.", head, tuple(body), moves
    )
