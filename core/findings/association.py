"""The fourth claim: outputs and explanations move together."""

from typing import Any

import pandas as pd

from core.findings.claims import Finding, verdict
from core.findings.rows import Rows
from core.findings.wording import signed, span


def association(rows: Rows) -> Finding | None:
    """Claim 4, judged within networks with being right held fixed, beside the same across networks."""
    summary, chosen = rows.summary, rows.analysis
    found = summary[
        (summary["kind"] == "association")
        & (summary["method"] == chosen.method)
        & (summary["importance"] == chosen.importance)
        & (summary["architecture"] == "")
    ]
    by: dict[tuple[str, str], Any] = {(str(row.subset), str(row.control)): row for row in found.itertuples()}
    images, plain = by.get(("images", "accuracy")), by.get(("images", ""))
    if images is None or plain is None:
        return None
    judged = verdict(images.low, images.high)
    if judged == "not settled":
        begun = "Whether a student looks more alike where its outputs agree more with the teacher's is not settled"
    else:
        direction = "more" if judged == "supported" else "less"
        begun = f"On images where a student's outputs agree more with the teacher's, it also looks {direction} alike"
    sentence = (
        f"{begun}: ρ = {signed(plain.estimate, 2)} within a network, {signed(images.estimate, 2)} with "
        f"being right held fixed ({span(images, 1, 2)})"
    )
    cells, fixed = by.get(("cells", "")), by.get(("cells", "accuracy"))
    students = len(rows.config.students.architectures) * len(rows.config.students.alphas)
    if cells is not None and students > 4:
        sentence += f"; across the students ρ = {signed(cells.estimate, 2)} ({span(cells, 1, 2)})"
    controls = ""
    if fixed is not None and students > 4 and pd.notna(fixed.estimate):
        controls = (
            "More accurate students may look alike for being accurate: across the students, with accuracy held fixed, "
            f"ρ = {signed(fixed.estimate, 2)} ({span(fixed, 1, 2)})."
        )
    title = "Outputs and explanations move together"
    return Finding(4, title, judged, sentence + ".", "logit", controls=controls)
