"""Every measure of one cell beside its teacher, per image, from the tables of a study."""

import numpy as np
import pandas as pd

from core import measures as m
from core.controls import area_alignment, shuffled_alignment
from core.study import Study

SHUFFLE_SEED = 0


def part_arrays(table: pd.DataFrame, method: str) -> dict[str, np.ndarray]:
    """Return a cell's importance table as arrays: `ids` (N,), `total` (N,); `mass`, `density`, `area` (N, P)."""
    rows = table[table["method"] == method]
    ids = rows["image"].to_numpy()
    count = len(rows) // max(1, len(np.unique(ids)))
    arrays = {key: rows[key].to_numpy(np.float64).reshape(-1, count) for key in ("mass", "density", "area")}
    return {"ids": ids[::count], "total": rows["total"].to_numpy(np.float64)[::count], **arrays}


def measure_cell(study: Study, name: str) -> pd.DataFrame:
    """Return image, method, measure, importance, outside, value: one row a number, NaN where undefined.

    Definitions are those of `core.measures`; a control of `core.controls` is called `rank_alignment_shuffled` or
    `rank_alignment_area`. Logits are compared on every test image, parts on the explained ones.
    """
    ids, own = study.logits(name)
    _, teacher = study.logits(study.teacher)
    labels = study.labels(ids)
    frames: list[pd.DataFrame] = []

    def add(images: np.ndarray, value: np.ndarray, measure: str, **keys: str) -> None:
        row = {"method": "", "importance": "", "outside": "", **keys}
        frames.append(pd.DataFrame({"image": images, "measure": measure, **row, "value": value.astype(np.float32)}))

    add(ids, m.accuracy(own, labels), "accuracy")
    add(ids, m.logit_alignment(teacher, own), "logit_alignment")
    add(ids, m.top1_agreement(teacher, own), "top1_agreement")

    student_table, teacher_table = study.importance(name), study.importance(study.teacher)
    top_k = study.config.measure.top_k
    side = study.config.data.image_size
    for method in study.config.explain.methods:
        s, t = part_arrays(student_table, method), part_arrays(teacher_table, method)
        images = s["ids"]
        for importance in ("density", "mass"):
            keys = {"method": method, "importance": importance}
            add(images, m.rank_alignment(t[importance], s[importance]), "rank_alignment", **keys)
            if study.dataset.named_parts:
                shuffled = shuffled_alignment(t[importance], s[importance], study.labels(images), SHUFFLE_SEED)
                add(images, shuffled, "rank_alignment_shuffled", **keys)
            add(images, area_alignment(t[importance], t["area"]), "rank_alignment_area", **keys)
            for outside in ("image", "parts"):
                whole, pixels = s["total"], np.full(len(images), float(side * side))
                if outside == "parts":
                    whole, pixels = np.nansum(s["mass"], 1), np.nansum(s["area"], 1)
                focus = m.focus_from_mass(s["mass"], whole, t[importance], top_k)
                by_area = m.focus_from_mass(s["area"], pixels, t[importance], top_k)
                add(images, focus, "focus", **keys, outside=outside)
                add(images, m.focus_ratio(focus), "focus_ratio", **keys, outside=outside)
                add(images, focus / by_area, "enrichment", **keys, outside=outside)
    table = pd.concat(frames, ignore_index=True)
    text = ["measure", "method", "importance", "outside"]
    return table.astype(dict.fromkeys(text, "category"))
