"""One row of summary.parquet."""

from typing import Any

from core.columns import SUMMARY
from core.estimates import Estimate
from core.measures import MEASURES
from core.values import Keys

COLUMNS = list(SUMMARY)
"""Of summary.parquet. Text is "" where it does not apply. `kind` is

cell         one network, with an interval over images
group        mean over the seeds of an architecture and α
contrast     the same less α = 1.0, paired by seed
finding      the contrast at the lowest α: each smaller student (Bonferroni over them), and "" for all of them together
dose         what the claims are about at the lowest α less the same at the next, paired by seed, as finding; `control`
             names the next. None where there are fewer than three α
control      what a number is compared with: shuffled, area, random network, retrained teacher
normalised   an alignment between chance (0) and a retrained teacher (1)
mean         what sentences tell of all smaller students together, by `control`: "", "shuffled" or "normalised" at
             each α; "random network", one draw of each, without an interval
question     a finding by integrated gradients less the same by saliency
looking      networks that also learned to look where the teacher looks (`explanation_weight`, λ) less the same at
             λ = 0, paired by seed, as finding, at each α below 1
association  how two measures go together
part         share of the looking that a part receives; `subset` is the part. `control` "no distillation": the same
             less α = 1.0, paired by seed, without an interval where there is one seed
quantile     how rank alignment spreads over images; `control` is p5 … p95
exact        share of a method's maps, over all networks, that became as exact as asked
cost         what a network costs (`core.costs`); latencies with their quartiles, measured once

Rows with an `explanation_weight` above 0 are of networks trained so: all kinds but those of the claims (finding, dose,
question, association), which are about λ = 0, as is a row of undistilled networks.

The intervals of cell, group, control, mean, part and association end where their measure's range ends, since t with few
seeds goes beyond what there can be. Those of differences, and of `control` "normalised", have no such ends.
"""

LEVELS = ("cell", "group", "control", "mean", "part", "association")
"""Kinds whose numbers are values of their measure, and no differences."""
NO_LEVELS = ("normalised", "no distillation")
"""Controls for which that does not hold."""
RANGES = {**{name: about.range for name, about in MEASURES.items()}, "part_share": (0.0, 1.0)}
CORRELATED = (-1.0, 1.0)
"""The range of an association, which is of two measures."""


def summary_row(kind: str, keys: Keys, estimate: Estimate, more: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `COLUMNS`, of all images unless `more` says otherwise; its interval ends as said there."""
    made: dict[str, Any] = {"kind": kind, **keys._asdict(), "subset": "all", **estimate._asdict(), **more}
    made["estimate"] = made.pop("value")
    ends = CORRELATED if kind == "association" else RANGES.get(keys.measure)
    if kind in LEVELS and made["control"] not in NO_LEVELS and ends is not None:
        least, most = ends
        # An estimate that rounding takes beyond the range by a bit stays within its interval.
        made["low"] = max(estimate.low, min(least, estimate.value))
        made["high"] = min(estimate.high, max(most, estimate.value))
    return made
