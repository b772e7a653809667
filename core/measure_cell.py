"""Every measure of one cell beside its teacher, per image, from the tables of a study."""

import numpy as np
import pandas as pd

from core import measures as m
from core.cells import Cell, undistilled
from core.controls import SHUFFLE_SEED, area_alignment, area_focus, shuffled_alignment, shuffled_focus, wins
from core.convergence import EXACT
from core.study import Study


def part_arrays(table: pd.DataFrame, method: str) -> dict[str, np.ndarray]:
    """Return a cell's table as arrays: `ids`, numbers of a map (N,); `mass`, `density`, `area` (N, P)."""
    rows = table[table["method"] == method]
    ids = rows["image"].to_numpy()
    count = len(rows) // max(1, len(np.unique(ids)))
    arrays = {key: rows[key].to_numpy(np.float64).reshape(-1, count) for key in ("mass", "density", "area")}
    of_maps = ("total", "similarity", "similarity_shuffled", "d", "converged")
    of_map = {key: rows[key].to_numpy(np.float64)[::count] for key in of_maps}
    return {"ids": ids[::count], **of_map, **arrays}


def measure_cell(study: Study, cell: Cell) -> pd.DataFrame:
    """Return image, method, measure, importance, outside, value: one row a number, NaN where undefined.

    Definitions are those of `core.measures`; a control of `core.controls` has its name behind the measure's, as
    `rank_alignment_shuffled`. Those by area are the same for every student, and stand in the teacher's own table.
    Logits are compared on every test image, parts on the explained ones. Beside the measures stands whether each map
    became as exact as asked (`core.convergence`).
    """
    ids, own = study.logits(cell)
    _, teacher = study.logits(study.teacher)
    labels = study.labels(ids)
    frames: list[pd.DataFrame] = []

    def add(images: np.ndarray, value: np.ndarray, measure: str, **keys: str) -> None:
        row = {"method": "", "importance": "", "outside": "", **keys}
        frames.append(pd.DataFrame({"image": images, "measure": measure, **row, "value": value.astype(np.float32)}))

    add(ids, m.accuracy(own, labels), "accuracy")
    add(ids, m.logit_alignment(teacher, own), "logit_alignment")
    every = max(2, own.shape[1])
    add(ids, shuffled_alignment(teacher, own, labels, SHUFFLE_SEED, min_parts=every), "logit_alignment_shuffled")
    add(ids, m.top1_agreement(teacher, own), "top1_agreement")
    add(ids, m.top5_agreement(teacher, own), "top5_agreement")
    add(ids, m.kl(teacher, own), "kl")

    tables = [study.importance(each) for each in (cell, study.teacher)]
    plain = undistilled(cell, study.config)
    other = study.importance(plain) if plain is not None else None
    top_k, side = study.config.measure.top_k, study.config.data.image_size
    for method in study.config.explain.methods:
        s, t = (part_arrays(table, method) for table in tables)
        images = s["ids"]
        add(images, s["similarity"], "map_similarity", method=method)
        if cell != study.teacher:
            add(images, s["similarity_shuffled"], "map_similarity_shuffled", method=method)
        if not np.isnan(s["d"]).all():  # else the method does not know how exact its maps are
            add(images, s["converged"], EXACT, method=method)
        if other is not None:
            without = part_arrays(other, method)["similarity"]
            add(images, wins(s["similarity"], without), "win_rate", method=method)
        labels = study.labels(images)
        for importance in ("density", "mass"):
            keys = {"method": method, "importance": importance}
            reference = t[importance]
            add(images, m.rank_alignment(reference, s[importance]), "rank_alignment", **keys)
            if study.dataset.named_parts:
                shuffled = shuffled_alignment(reference, s[importance], labels, SHUFFLE_SEED)
                add(images, shuffled, "rank_alignment_shuffled", **keys)
            if cell == study.teacher:
                add(images, area_alignment(reference, t["area"]), "rank_alignment_area", **keys)
            for outside in ("image", "parts"):
                whole, pixels = s["total"], np.full(len(images), float(side * side))
                if outside == "parts":
                    whole, pixels = np.nansum(s["mass"], 1), np.nansum(s["area"], 1)
                keys["outside"] = outside
                focus = m.focus_from_mass(s["mass"], whole, reference, top_k)
                by_area = area_focus(reference, s["area"], pixels, top_k)
                add(images, focus, "focus", **keys)
                add(images, m.focus_ratio(focus), "focus_ratio", **keys)
                add(images, focus / by_area, "enrichment", **keys)
                if study.dataset.named_parts:
                    chance = shuffled_focus(reference, s["mass"], whole, labels, top_k, SHUFFLE_SEED)
                    add(images, chance, "focus_shuffled", **keys)
                if cell == study.teacher:
                    add(images, by_area, "focus_area", **keys)
    table = pd.concat(frames, ignore_index=True)
    text = ["measure", "method", "importance", "outside"]
    return table.astype(dict.fromkeys(text, "category"))


def part_shares(study: Study, cell: Cell) -> pd.DataFrame:
    """Return method, part, mean, error, n: which share of a cell's looking each part receives on average.

    The mean over the explained images on which the part is visible and the map is not flat, its standard error, and
    how many they are. No rows where a part means nothing from one image to the next.
    """
    table = study.importance(cell)
    rows = table[table["mass"].notna() & (table["total"] > 0) & study.dataset.named_parts]
    share = (rows["mass"] / rows["total"]).astype(float)
    found = share.groupby([rows["method"].astype(str), rows["part"].astype(str)]).agg(
        mean="mean", error="sem", n="size"
    )
    return found.reset_index()
