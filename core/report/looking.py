"""What training for looking changes, in a study that has students with and without it."""

import pandas as pd

from core.figures.looking import beside, looks
from core.findings import looking as answer
from core.measures import MEASURES
from core.report.pieces import Figure, Section, Text, table_of_rows
from core.report.results import IMPORTANCE, OBJECT, Source, how, network
from core.summarise.looking import CHANGED


def looking(source: Source, summary: pd.DataFrame) -> list[Section]:
    """Return the answer with its chart, and every difference that λ makes; nothing where the study has one λ.

    Parameters
    ----------
    source : Source
    summary : DataFrame
        Of the whole study, every λ.
    """
    view = source.view
    found = answer(summary, view.config)
    if found is None:
        return []
    said = "Distilled networks without (λ = 0) and with training for looking, joined by a line."
    figure = Figure("looking", said, said, beside(looks(summary, view), view.alphas))
    rows = summary[(summary["kind"] == "looking") & summary["method"].isin(["", view.method])]
    rows = source.ordered(rows[rows["importance"].isin(["", "density"]) & rows["outside"].isin(["", "parts"])])
    rows = pd.concat([rows[rows["measure"] == measure] for measure in CHANGED])
    lead = [
        ("Measure", lambda row: MEASURES[row["measure"]].label),
        ("Of", lambda row: ", ".join(filter(None, [IMPORTANCE[row["importance"]], OBJECT[row["outside"]]]))),
        ("Network", network),
        ("Trained", how),
        ("λ", lambda row: f"{row['explanation_weight']:g}"),
    ]
    caption = (
        "Networks trained for looking less the same without (λ = 0), paired by seed. Intervals of single networks hold "
        "for all of them together."
    )
    about = "No finding is judged by this: exploratory."
    table = table_of_rows("looking", caption, rows, lead, True)
    return [Section(found.title, [Text(found.sentence, "lead"), Text(about, "small"), figure, table])]
