"""The per-image measures of a whole study as arrays: every network beside every other, image by image."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import numpy as np

from core.cells import Cell
from core.estimates import Often, strata
from core.measures import MEASURES, focus_ratio
from core.samples import samples
from core.study import Study

CONTROLS = ("shuffled", "area")
"""Behind a measure's name in measures/, and in a column of its own in the summary."""


class Keys(NamedTuple):
    """Which number of an image it is; "" where a word does not apply."""

    measure: str
    method: str = ""
    importance: str = ""
    outside: str = ""
    control: str = ""


@dataclass(frozen=True)
class Values:
    """One measure of all networks that have it.

    Attributes
    ----------
    keys : Keys
    cells : list of Cell
    images : ndarray, (N,)
        Ids, ascending.
    values : ndarray, (cells, N)
        NaN where undefined.
    right : ndarray, (cells, N), bool
        Where teacher and cell both choose the annotated class.
    drawn : ndarray, (B, M)
        Bootstrap samples of these images (`core.samples`).
    often : ndarray, (B, N), or its blocks
        The same as weights.
    """

    keys: Keys
    cells: list[Cell]
    images: np.ndarray
    values: np.ndarray
    right: np.ndarray
    drawn: np.ndarray
    often: Often

    def of(self, architecture: str, alpha: float) -> dict[int, np.ndarray]:
        """Return seed -> (N,) of one architecture and α; of networks of one λ (`at`)."""
        return {
            cell.seed: values
            for cell, values in zip(self.cells, self.values, strict=True)
            if (cell.architecture, cell.alpha) == (architecture, alpha) and cell.seed is not None
        }

    def at(self, weight: float) -> "Values":
        """Return the networks of one λ, and those that are not distilled, of which there are no others."""
        kept = [
            place
            for place, cell in enumerate(self.cells)
            if cell.explanation_weight == (weight if cell.distilled else 0)
        ]
        if len(kept) == len(self.cells):
            return self
        cells = [self.cells[place] for place in kept]
        return replace(self, cells=cells, values=self.values[kept], right=self.right[kept])

    def both_right(self) -> "Values":
        """Return the same on the images that teacher and network both get right, NaN elsewhere."""
        return replace(self, values=np.where(self.right, self.values, np.nan))


def load_values(study: Study) -> dict[Keys, Values]:
    """Return every measure's values over cells and images, those that follow from others included."""
    columns = ["measure", "method", "importance", "outside"]
    labels = study.images().set_index("id")["label"]
    gathered: dict[Keys, dict[Cell, np.ndarray]] = {}
    ids: dict[Keys, np.ndarray] = {}
    for cell in study.measured:
        table = study.measures(cell)
        values, images = table["value"].to_numpy(np.float64), table["image"].to_numpy()
        for name, rows in table.groupby(columns, observed=True).indices.items():
            keys = _parse(*(str(word) for word in cast(tuple[str, ...], name)))
            if keys.measure not in MEASURES:
                continue
            gathered.setdefault(keys, {})[cell] = values[rows]
            ids.setdefault(keys, images[rows])
    accuracy, every = gathered[Keys("accuracy")], ids[Keys("accuracy")]
    drawn: dict[bytes, tuple[np.ndarray, Often]] = {}
    found = {}
    for keys, by_cell in gathered.items():
        images = ids[keys]
        if images.tobytes() not in drawn:
            drawn[images.tobytes()] = samples(strata(labels.loc[images].to_numpy()))
        rows = np.searchsorted(every, images)
        both = np.stack([accuracy[cell][rows] * accuracy[study.teacher][rows] for cell in by_cell]) == 1
        found[keys] = Values(
            keys, list(by_cell), images, np.stack(list(by_cell.values())), both, *drawn[images.tobytes()]
        )
    found |= dict(_derived(found))
    return found


def _parse(measure: str, method: str, importance: str, outside: str) -> Keys:
    for control in CONTROLS:
        if measure.endswith(f"_{control}"):
            return Keys(measure.removesuffix(f"_{control}"), method, importance, outside, control)
    return Keys(measure, method, importance, outside)


def _derived(found: dict[Keys, Values]) -> Iterator[tuple[Keys, Values]]:
    """Give the controls of ratio and enrichment, which follow from those of focus."""
    for keys, focus in found.items():
        if keys.measure != "focus" or not keys.control:
            continue
        ratio = keys._replace(measure="focus_ratio")
        yield ratio, replace(focus, keys=ratio, values=focus_ratio(focus.values))
        area = found.get(keys._replace(control="area"))
        if keys.control == "shuffled" and area is not None:
            richness = keys._replace(measure="enrichment")
            yield richness, replace(focus, keys=richness, values=focus.values / area.values)
