"""One image through several networks: panels for the viewer, the first sentence, ranks of the parts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.cells import Cell, unlooking
from core.figures import ranks as figures
from core.figures.encoding import SHARES
from core.study import Study
from dashboard import gallery, loaded
from dashboard.charts import built_once
from dashboard.names import decimal, kind, rho, short, subject, title
from dashboard.state import Choices
from dashboard.viewer import Panel, ranks


@dataclass(frozen=True)
class OneImage:
    """What is known of one image of the gallery."""

    cells: list[Cell]
    panels: list[Panel]
    parts: list[str]
    label: int
    explained: list[int]
    """Per cell, the class whose score its map explains."""
    exact: list[dict[str, float]]
    """Per cell, how exact its map is, by column of the table; nothing where the method is exact."""


def stored(choices: Choices, cells: Sequence[Cell], image: int) -> OneImage:
    """Read what a study keeps of an image of its gallery, by some networks, the teacher first. Computes nothing."""
    study, method = choices.study, choices.method
    label = int(loaded.images(study).set_index("id")["label"][image])
    names = gallery.classes(study)
    parts: list[str] = []
    panels, explained, exact = [], [], []
    for cell in cells:
        rows = loaded.importance(study, cell)
        rows = rows[(rows["image"] == image) & (rows["method"] == method)]
        parts = [str(part) for part in rows["part"]]
        first = rows.iloc[0]
        exact.append({name: float(first[key]) for key, name in EXACT.items()} if first["d"] > 0 else {})
        answer, probability = gallery.answer(study, cell, image)
        explained.append({"label": label, "own": answer}.get(study.config.explain.target, -1))
        panels.append(
            Panel(
                cell=cell.name,
                title=title(cell),
                kind=kind(cell, study.teacher),
                short=short(cell, study.teacher),
                relevance=study.maps(cell, method, [image])[1][0],
                says=f"{names[answer]}, {probability:.0%}",
                right=answer == label,
                alignment=measured(study, cell, image, method),
                importance=rows["density"].to_numpy(np.float64),
            )
        )
    teachers = gallery.answer(study, cells[0], image)[0]
    return OneImage(list(cells), panels, parts, label, [teachers if e < 0 else e for e in explained], exact)


def measured(study: Study, cell: Cell, image: int, method: str) -> float:
    """Return a cell's rank alignment on an image, by density; NaN where it is undefined."""
    rows = loaded.measures(study, cell)
    rows = rows[(rows["image"] == image) & (rows["measure"] == "rank_alignment") & (rows["method"] == method)]
    rows = rows[rows["importance"] == "density"]
    return float(rows["value"].iloc[0]) if len(rows) else float("nan")


EXACT = {"gap": "Completeness gap", "d": "Map's error bar", "part_d": "Parts' error bar"}
"""Column of the importance table -> column shown."""

MEASURES_SHOWN = {
    ("logit_alignment", "", ""): "Logit alignment",
    ("rank_alignment", "density", ""): "Rank alignment, per pixel",
    ("rank_alignment", "mass", ""): "Rank alignment, in total",
    ("focus", "density", "parts"): "Focus within the object",
    ("focus", "density", "image"): "Focus in the whole image",
    ("enrichment", "density", "image"): "Enrichment",
}
"""(measure, importance, outside) -> column."""


def measure_table(choices: Choices, one: OneImage, image: int) -> pd.DataFrame:
    """Return one row a network: every measure of this image, and how exact its map is."""
    rows = []
    for cell, panel, exact in zip(one.cells, one.panels, one.exact, strict=True):
        found = loaded.measures(choices.study, cell)
        found = found[(found["image"] == image) & found["method"].isin(["", choices.method])]
        keys = found[["measure", "importance", "outside"]].astype(str).itertuples(index=False, name=None)
        values = dict(zip(keys, found["value"], strict=True))
        row = {"Network": panel.short, "Answer": panel.says, "Right": panel.right}
        row |= {name: values.get(key, np.nan) for key, name in MEASURES_SHOWN.items()}
        rows.append(row | exact)
    return pd.DataFrame(rows)


def formats(table: pd.DataFrame) -> dict[Any, Any]:
    """Return how `st.dataframe` writes a table's numbers: shares in percent, the others with two decimals."""
    percent, two = (st.column_config.NumberColumn(format=form) for form in ("percent", "%.2f"))
    shares = ("Probability", *EXACT.values(), *(name for (key, *_), name in MEASURES_SHOWN.items() if key in SHARES))
    return {name: percent if name in shares else two for name in table.select_dtypes("number").columns}


def sentence(cells: Sequence[Cell], alignments: Sequence[float]) -> str:
    """Say in one sentence how the last, most distilled student ranks the parts beside its undistilled self."""
    students = list(zip(cells[1:], alignments[1:], strict=True))
    distilled = [(cell, value) for cell, value in students if cell.alpha not in (None, 1.0)]
    if not students:
        return "Choose more networks and α on the left to compare them with the teacher."
    if not distilled:
        cell, value = students[-1]
        return f"On this image {subject(cell)} ranks the parts like the teacher at {rho(value)}."
    smallest = distilled[-1][0].architecture
    cell, value = min(
        (pair for pair in distilled if pair[0].architecture == smallest),
        key=lambda pair: (pair[0].alpha or 0.0, -pair[0].explanation_weight),
    )
    begun = f"On this image {subject(cell)} ranks the parts like the teacher at {rho(value)}"
    said = {
        "; without training for looking": unlooking(cell),
        "; undistilled": replace(cell, alpha=1.0, explanation_weight=0.0),
    }
    known = dict(students)
    return begun + "".join(f"{what} {decimal(known[other])}" for what, other in said.items() if other in known) + "."


UNDEFINED = (
    "ρ is undefined on this image: it takes five parts or more in sight, and maps that are not the same everywhere."
)
NO_RANKS = "There is nothing to rank: the teacher's map is the same everywhere, or no part is in sight."


def rank_table(panels: Sequence[Panel], parts: Sequence[str]) -> pd.DataFrame:
    """Return one row a part that the teacher ranks, in its order, and one column a network with the part's rank."""
    table = pd.DataFrame({"part": list(parts)})
    for panel in panels:
        table[panel.short] = pd.array(ranks(panel.importance), dtype="Int64")
    first = panels[0].short
    return table[table[first].notna()].sort_values(first, kind="stable", ignore_index=True)


rank_matrix, rank_slopes = built_once(figures.rank_matrix), built_once(figures.rank_slopes)
