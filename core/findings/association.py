"""The fourth claim: outputs and explanations move together."""

from typing import Any

import pandas as pd

from core.findings.claims import Finding, Judged, verdict
from core.findings.rows import Rows
from core.findings.wording import nice_name, signed, span

OF_ALL, OF_RIGHT = ("images", "accuracy"), ("both right", "")
"""What it is judged by, and its like on the images that both get right: subset, and what is held fixed."""


def association(rows: Rows) -> Finding | None:
    """Claim 4, judged within networks with being right held fixed, beside the same across networks."""
    summary, chosen = rows.summary, rows.analysis
    found = summary[
        (summary["kind"] == "association")
        & (summary["method"] == chosen.method)
        & (summary["importance"] == chosen.importance)
    ]
    together = found[found["architecture"] == ""]
    by: dict[tuple[str, str], Any] = {(str(row.subset), str(row.control)): row for row in together.itertuples()}
    primary = OF_ALL if chosen.subset == "all" else OF_RIGHT
    images, plain = by.get(primary), by.get(("images", ""))
    if images is None or plain is None:
        return None
    judged = verdict(images.low, images.high)
    if judged == "not settled":
        begun = "Whether a student looks more alike where its outputs agree more with the teacher's is not settled"
    else:
        direction = "more" if judged == "supported" else "less"
        begun = f"On images where a student's outputs agree more with the teacher's, it also looks {direction} alike"
    sentence = f"{begun}: ρ = " + (
        f"{signed(plain.estimate, 2)} within a network, {signed(images.estimate, 2)} with being right held fixed"
        if primary == OF_ALL
        else f"{signed(images.estimate, 2)} within a network, on the images that it and the teacher get right"
    )
    sentence += f" ({span(images, 1, 2)})"
    cells, fixed = by.get(("cells", "")), by.get(("cells", "accuracy"))
    students = len(rows.config.students.architectures) * len(rows.config.students.alphas)
    if cells is not None and students > 4 and primary == OF_ALL:
        sentence += f"; across the students ρ = {signed(cells.estimate, 2)} ({span(cells, 1, 2)})"
    controls = ""
    if fixed is not None and students > 4 and pd.notna(fixed.estimate):
        controls = (
            "More accurate students may look alike for being accurate: across the students, with accuracy held fixed, "
            f"ρ = {signed(fixed.estimate, 2)} ({span(fixed, 1, 2)})."
        )
    right = by.get(OF_RIGHT)
    detail = ""
    if right is not None and primary == OF_ALL:
        detail = (
            f"On the images that teacher and student get right: ρ = {signed(right.estimate, 2)} ({span(right, 1, 2)}), "
            f"{verdict(right.low, right.high)}."
        )
    alone = found[(found["architecture"] != "") & found["alpha"].isna()]
    alone = alone[(alone["subset"] == primary[0]) & (alone["control"] == primary[1])]
    title = "Outputs and explanations move together"
    each = tuple(_alone(row) for row in alone.itertuples())
    return Finding(4, title, judged, sentence + ".", "logit", detail, controls, each)


def _alone(row: Any) -> Judged:
    """Judge one architecture by itself, over its students."""
    sentence = f"{nice_name(row.architecture)}: ρ = {signed(row.estimate, 2)} ({span(row, 1, 2, 'interval')})."
    return Judged(row.architecture, verdict(row.low, row.high), sentence)
