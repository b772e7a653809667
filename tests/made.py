"""Measures made by hand, as much of a study as the summary reads."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from core.cells import Cell, grid, teacher_cell, untrained_cells
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
    "focus_shuffled": (IG, "density", "parts"),
    "focus_area": (IG, "density", "parts"),
    "map_similarity": (IG, "", ""),
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
        self.measured = [*self.cells, *untrained_cells(self.config)]
        self.teacher = teacher_cell(self.config)
        self.value = value

    def images(self) -> pd.DataFrame:
        return pd.DataFrame({"id": np.arange(TEST) + 100, "label": LABELS})

    def costs(self) -> pd.DataFrame:
        costs = [("", name, "macs", 1e6, 1e6, 1e6, 1) for name in self.config.students.architectures]
        return pd.DataFrame(costs, columns=["cell", "architecture", "measure", "estimate", "low", "high", "n"])

    def parts(self, cell: Cell) -> pd.DataFrame:
        share = float(np.mean(self.value(cell, "focus"))) / 2
        rows = [(IG, part, mean, 0.01, 12) for part, mean in {"beak": share, "wing": 1 - share}.items()]
        return pd.DataFrame(rows, columns=["method", "part", "mean", "error", "n"])

    def measures(self, cell: Cell) -> pd.DataFrame:
        frames = []
        for importance in ("density", "mass"):
            for measure, (method, kind, outside) in KEYS.items():
                if (importance == "mass" and kind != "density") or (measure == "focus_area" and cell != self.teacher):
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
    if cell.untrained:
        return base / 8
    return base + SKILL[cell.architecture] * (1 - (cell.alpha if cell.alpha is not None else 1.0))
