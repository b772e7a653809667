"""What a study finds: the four claims and a question, each in one plain sentence with its numbers and controls."""

from dataclasses import replace

import pandas as pd

from core.config import Config
from core.findings import claims
from core.findings.association import association
from core.findings.claims import Finding, Judged, Verdict, verdict
from core.findings.dose import dose
from core.findings.looking import looking
from core.findings.question import Question, question
from core.findings.rows import Analysis, Rows, at_weight
from core.findings.wording import LIMIT, NAMES, listed, nice_name

__all__ = [
    "LIMIT",
    "NAMES",
    "Analysis",
    "Finding",
    "Judged",
    "Question",
    "Verdict",
    "at_weight",
    "dose",
    "findings",
    "looking",
    "nice_name",
    "not_judged",
    "question",
    "verdict",
]


def findings(summary: pd.DataFrame, config: Config, analysis: Analysis = Analysis()) -> list[Finding]:  # noqa: B008
    """Return the four claims as a study's summary has them; those that its grid cannot ask are left out.

    Parameters
    ----------
    summary : pandas.DataFrame
        A study's summary.parquet (`core.summarise.COLUMNS`).
    config : Config
        The study's settings.
    analysis : Analysis
        The primary one by default; any other is exploratory, and whoever shows it says so.
    """
    rows = Rows(summary, config, analysis)
    made = [claims.accuracy(rows), claims.alignment(rows), claims.focus(rows), association(rows)]
    limit = LIMIT if len(config.students.seeds) == 1 else ""
    return [replace(finding, sentence=finding.sentence + limit) for finding in made if finding is not None]


def not_judged(found: list[Finding], config: Config) -> str:
    """Say which of the four claims a study's summary cannot be judged by, and why; "" where there is none."""
    there = {finding.claim for finding in found}
    left = [str(claim) for claim in (1, 2, 3, 4) if claim not in there]
    if not left:
        return ""
    which = f"Claim {left[0]} is" if len(left) == 1 else f"Claims {listed(left)} are"
    if "integrated_gradients" not in config.explain.methods and "1" not in left:
        why = "they take integrated gradients, which this study was made without"
    elif min(config.students.alphas) == 1:
        why = "nothing in this study was distilled"
    else:
        why = "this study has no number for it"
    return f"{which} not judged: {why}."
