"""The rows of a summary that a claim is judged by, under one analysis."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core.cells import teacher_cell
from core.config import Config

BY_METHOD = ("map_similarity", "win_rate")
BY_IMPORTANCE = ("rank_alignment", *BY_METHOD)
COLUMNS = ("cell", "architecture", "alpha", "method", "importance", "outside", "subset", "control")
"""By which rows of one kind and measure are chosen."""
BY_OUTSIDE = ("focus", "focus_ratio", "enrichment")


class Analysis(NamedTuple):
    """How the claims are judged; the defaults are the one analysis that was fixed beforehand (MEASURES.md)."""

    method: str = "integrated_gradients"
    importance: str = "density"
    outside: str = "parts"
    subset: str = "all"

    @property
    def exploratory(self) -> bool:
        """Whether this is any other: it may be looked at, but proves nothing."""
        return self != Analysis()

    def keys(self, measure: str) -> tuple[str, str, str]:
        """Return method, importance and outside of a measure's rows in the summary; "" where it has none."""
        method = self.method if measure in (*BY_IMPORTANCE, *BY_OUTSIDE) else ""
        importance = self.importance if method and measure not in BY_METHOD else ""
        return method, importance, self.outside if measure in BY_OUTSIDE else ""


OF_CLAIMS = ("finding", "dose", "question", "association")
"""Kinds of rows by which a study is judged, all without learning to look (`core.summarise.row`)."""


def at_weight(summary: pd.DataFrame, weight: float) -> pd.DataFrame:
    """Return a summary of the grid at one λ: distilled networks that learned to look so, and all else as it is."""
    own = summary["explanation_weight"] == weight
    if weight:
        own |= (summary["explanation_weight"] == 0) & (~(summary["alpha"] < 1) | summary["kind"].isin(OF_CLAIMS))
    return summary if own.all() else summary[own]


class Rows:
    """A study's summary at λ = 0 under one analysis; what it has no row for is None."""

    def __init__(self, summary: pd.DataFrame, config: Config, analysis: Analysis) -> None:
        summary = at_weight(summary, 0.0)
        self.summary, self.config, self.analysis = summary[summary["estimate"].notna()], config, analysis
        # Asked for dozens of times a page: of a few rows, as plain arrays, in a fraction of the time.
        self._places = self.summary.groupby(["kind", "measure"]).indices
        self._columns = {name: self.summary[name].to_numpy() for name in COLUMNS}

    def finding(self, measure: str, architecture: str = "", subset: str | None = None) -> Any:
        """Return the contrast that a claim is judged by: of one architecture, or "" of all."""
        return self._one(measure, subset, kind="finding", architecture=architecture)

    def dose(self, measure: str) -> Any:
        """Return what the lowest α does beyond the next, over all architectures of the claims."""
        return self._one(measure, None, kind="dose", architecture="")

    def each(self, measure: str) -> list[Any]:
        """Return the contrasts of every architecture by itself."""
        rows = self._of(measure, None, kind="finding")
        return list(rows[rows["architecture"] != ""].itertuples())

    def group(self, measure: str, architecture: str, alpha: float) -> Any:
        """Return the mean of an architecture at one α."""
        return self._one(measure, None, kind="group", architecture=architecture, alpha=alpha)

    def control(self, measure: str, name: str, **keys: Any) -> Any:
        """Return a control: of an architecture and α where keys say so."""
        return self._one(measure, "all", kind="control", control=name, **keys)

    def normalised(self, measure: str, architecture: str, alpha: float) -> Any:
        """Return where an architecture stands between chance and a teacher trained again."""
        return self._one(measure, "all", kind="normalised", architecture=architecture, alpha=alpha)

    def mean(self, measure: str, alpha: float | None = None, control: str = "", subset: str | None = None) -> Any:
        """Return the mean over the architectures of a claim, at one α or of their untrained networks."""
        rows = self._of(measure, "all" if control else subset, kind="mean", control=control)
        rows = rows[rows["alpha"].isna() if alpha is None else rows["alpha"] == alpha]
        return next(rows.itertuples(), None)

    def teacher(self, measure: str) -> Any:
        """Return the teacher's own number."""
        return self._one(measure, "all", kind="cell", cell=teacher_cell(self.config).name)

    def _one(self, measure: str, subset: str | None, kind: str, **keys: Any) -> Any:
        return next(self._of(measure, subset, kind, **keys).itertuples(), None)

    def _of(self, measure: str, subset: str | None, kind: str, **keys: Any) -> pd.DataFrame:
        chosen = self.analysis
        wanted = {"subset": chosen.subset if subset is None else subset, **keys}
        wanted |= zip(("method", "importance", "outside"), chosen.keys(measure), strict=True)
        if measure in ("accuracy", "top1_agreement"):
            wanted["subset"] = "all"  # among images that both get right it says nothing
        places = self._places.get((kind, measure), np.empty(0, int))
        for name, value in wanted.items():
            places = places[self._columns[name][places] == value]
        return self.summary.iloc[places]
