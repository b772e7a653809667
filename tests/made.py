"""Measures made by hand, as much of a study as the summary reads."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from core.cells import Cell, grid, teacher_cell
from core.config import Config, parse_config

IG = "integrated_gradients"
TEST, EXPLAINED = 24, 12
LABELS = np.arange(TEST) % 3
KEYS = {
    "accuracy": ("", "", ""),
    "logit_alignment": ("", "", ""),
    "rank_alignment": (IG, "density", ""),
    "rank_alignment_shuffled": (IG, "density", ""),
    "focus": (IG, "density", "parts"),
}
Value = Callable[[Cell, str], np.ndarray | float]


class Made:
    """As much of a study as the summary reads."""

    def __init__(self, value: Value, imported: tuple[Cell, ...] = (), **students: Any) -> None:
        given = {"architectures": ["resnet50", "resnet34", "resnet18"], "alphas": [1.0, 0.5, 0.1], **students}
        teacher = {"architecture": "resnet50"}
        tree = {"name": "made", "teacher": teacher, "students": given, "explain": {"methods": [IG]}}
        self.config: Config = parse_config(tree, None)  # type: ignore[arg-type]
        self.cells = [*grid(self.config), *imported]
        self.teacher = teacher_cell(self.config)
        self.value = value

    def images(self) -> pd.DataFrame:
        return pd.DataFrame({"id": np.arange(TEST) + 100, "label": LABELS})

    def measures(self, cell: Cell) -> pd.DataFrame:
        frames = []
        for importance in ("density", "mass"):
            for measure, (method, kind, outside) in KEYS.items():
                if importance == "mass" and kind != "density":
                    continue
                count = EXPLAINED if method else TEST
                frames.append(
                    pd.DataFrame(
                        {
                            "image": np.arange(count) + 100,
                            "measure": measure,
                            "method": method,
                            "importance": importance if kind else "",
                            "outside": outside,
                            "value": np.broadcast_to(self.value(cell, measure), count).astype(np.float32),
                        }
                    )
                )
        table = pd.concat(frames, ignore_index=True)
        return table.astype(dict.fromkeys(["measure", "method", "importance", "outside"], "category"))


def noise(*names: object, count: int) -> np.ndarray:
    return np.random.default_rng([crc32(str(name).encode()) for name in names]).random(count)


SKILL = {"resnet50": 0.0, "resnet34": 0.25, "resnet18": 0.125}


def known(cell: Cell, measure: str) -> np.ndarray | float:
    """What a distilled student has more than an undistilled one of its kind: the same on every image."""
    if cell == Cell("resnet50", 1.0, 0) and measure != "accuracy":
        return 1.0
    base = np.linspace(0, 0.5, TEST if measure in ("accuracy", "logit_alignment") else EXPLAINED)
    return base + SKILL[cell.architecture] * (1 - (cell.alpha if cell.alpha is not None else 1.0))


def test_one_seed_has_means_and_differences_over_images() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    cell = one(table, "cell", cell="resnet18-a0.1-s0")
    assert cell.estimate == pytest.approx(0.25 + 0.125 * 0.9, abs=1e-6)
    assert cell.low < cell.estimate < cell.high
    assert (cell.architecture, cell.alpha, cell.seed, cell.n, cell.skipped) == ("resnet18", 0.1, "0", EXPLAINED, 0)
    group = one(table, "group", architecture="resnet18", alpha=0.1)
    assert (group.estimate, group.low, group.high, group.seed) == (cell.estimate, cell.low, cell.high, "all")
    contrast = one(table, "contrast", architecture="resnet34", alpha=0.5)
    # Paired: what images share is gone, and with it the spread.
    assert (contrast.estimate, contrast.low, contrast.high) == pytest.approx((0.125,) * 3, abs=1e-6)
    assert contrast.control == "no distillation"
    assert rows(table, "contrast", alpha=1.0).empty


def test_a_bootstrap_over_images_keeps_the_classes() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray:
        return noise(cell.name, measure, count=TEST)[: EXPLAINED if KEYS[measure][0] else TEST]

    table = summarise(Made(value))  # type: ignore[arg-type]
    values = value(Cell("resnet18", 0.1, 0), "accuracy").astype(np.float32)
    want = mean_over_images(values.astype(float), resamples(LABELS))
    got = one(table, "cell", "accuracy", cell="resnet18-a0.1-s0")
    assert (got.estimate, got.low, got.high) == pytest.approx(want[:3])
