"""A study's own numbers beside those that others published."""

from typing import Any

import pandas as pd

from core.figures.encoding import label
from core.figures.tables import View, estimates, of, students
from core.findings import Finding, nice_name, verdict
from core.literature.published import OJHA, POSTER_FINDINGS, POSTER_LOGIT_ALIGNMENT


def agreement(found: list[Finding]) -> str:
    """Say in one sentence how a study's verdicts stand to the poster's four findings; "" without any."""
    verdicts = [finding.verdict for finding in found if finding.claim in POSTER_FINDINGS]
    if not verdicts:
        return ""
    words = (("supported", "supports"), ("contradicted", "contradicts"), ("not settled", "leaves open"))
    parts = [f"{verb} {_count(verdicts.count(word))}" for word, verb in words if word in verdicts]
    said = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    asked = "" if len(verdicts) == len(POSTER_FINDINGS) else f", of the {_count(len(verdicts))} that its grid can ask"
    return f"Of the poster's {_count(len(POSTER_FINDINGS))} findings, this study {said}{asked}."


def findings_beside(found: list[Finding]) -> pd.DataFrame:
    """Return the poster's findings beside a study's: claim, poster, figure, verdict ("" where not asked), sentence."""
    by_claim = {finding.claim: finding for finding in found}
    rows: list[dict[str, Any]] = []
    for claim, (says, figure) in POSTER_FINDINGS.items():
        own = by_claim.get(claim)
        rows.append(
            {
                "claim": claim,
                "poster": says,
                "figure": figure,
                "verdict": own.verdict if own else "",
                "sentence": own.sentence if own else "The study's grid cannot ask this.",
            }
        )
    return pd.DataFrame(rows)


def poster_logits(view: View) -> pd.DataFrame:
    """Return the poster's logit alignment where it has a number for what is shown: network, alpha, estimate."""
    rows = [
        {"network": nice_name(architecture), "alpha": alpha, "estimate": value}
        for alpha, row in POSTER_LOGIT_ALIGNMENT.items()
        for architecture, value in row.items()
        if alpha in view.alphas and architecture in view.architectures
    ]
    return pd.DataFrame(rows, columns=["network", "alpha", "estimate"])


def directions(view: View) -> pd.DataFrame:
    """Return where logit alignment goes from no distillation to the strongest that both have.

    Columns: network, alpha, poster_from, poster_to, low, high and estimate of the study's own difference (NaN where it
    has none), row (its place in the summary, −1 for none), moves: alike, opposite or not settled, "" where undefined.
    """
    common = [alpha for alpha in POSTER_LOGIT_ALIGNMENT if alpha in view.alphas and alpha != 1]
    rows: list[dict[str, Any]] = []
    for architecture in view.architectures if common else ():
        alpha = min(common)
        # The poster's undistilled ResNet101 is the teacher itself, so it goes from 1; here it was trained again.
        if architecture not in POSTER_LOGIT_ALIGNMENT[alpha] or architecture == view.config.teacher.architecture:
            continue
        start, end = (POSTER_LOGIT_ALIGNMENT[a][architecture] for a in (1.0, alpha))
        differences = of(view.summary, "logit_alignment", "", "", "", "no distillation")
        differences = differences[(differences["kind"] == "contrast") & (differences["alpha"] == alpha)]
        own: Any = next(differences[differences["architecture"] == architecture].itertuples(), None)
        row = {"network": nice_name(architecture), "alpha": alpha, "poster_from": start, "poster_to": end}
        numbers = {"estimate": float("nan"), "low": float("nan"), "high": float("nan"), "row": -1, "moves": ""}
        if own is not None and pd.notna(own.estimate):
            judged = verdict(own.low, own.high)
            moves = judged if judged == "not settled" else _compared(judged == "supported", end > start)
            numbers = {"estimate": own.estimate, "low": own.low, "high": own.high, "row": own.Index, "moves": moves}
        rows.append(row | numbers)
    columns = ["network", "alpha", "poster_from", "poster_to", "estimate", "low", "high", "row", "moves"]
    return pd.DataFrame(rows, columns=columns)


def win_rates(view: View) -> pd.DataFrame:
    """Return Ojha et al.'s win rates, then the study's own: who, whose, alpha, estimate, low, high, n, skipped."""
    own = students(estimates(view, "win_rate"))
    own = own[own["alpha"] != 1]  # who does not differ from its own beginning
    published = pd.DataFrame(
        [{"who": f"ResNet18, {each.who}", "whose": OJHA.name, "estimate": each.value} for each in OJHA.values]
    )
    own = own.assign(who=[f"{n}, α = {label(a)}" for n, a in zip(own["network"], own["alpha"], strict=True)])
    columns = ["who", "whose", "network", "alpha", "estimate", "low", "high", "n", "skipped"]
    return pd.concat([published, own.assign(whose="this study")], ignore_index=True).reindex(columns=columns)


def _compared(rises: bool, theirs_rises: bool) -> str:
    return "alike" if rises == theirs_rises else "opposite"


def _count(number: int) -> str:
    return ("none", "one", "two", "three", "four")[number]
