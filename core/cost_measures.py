"""What is measured of a network's cost (`core.costs` does it), and how it is said. Nothing here needs torch."""

import math
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Cost:
    """What a page and a report need to know of a cost; `fewer`, `more` and `same` compare it with the teacher's."""

    label: str
    sentence: str
    unit: str
    by: str
    least: str
    """The student that has least of it."""
    fewer: str
    more: str
    same: str


COSTS = {
    "parameters": Cost(
        "Parameters",
        "How many numbers training sets.",
        "",
        "parameters",
        "smallest",
        "times fewer parameters than the teacher",
        "times more parameters than the teacher",
        "as many parameters as the teacher",
    ),
    "macs": Cost(
        "MACs",
        "Multiply-accumulates that one image takes, in convolutions and matrix products.",
        "",
        "multiply-accumulates",
        "cheapest",
        "times fewer multiply-accumulates than the teacher",
        "times more multiply-accumulates than the teacher",
        "as many multiply-accumulates as the teacher",
    ),
    "file_size": Cost(
        "File size",
        "Bytes of the weights as half-precision safetensors.",
        "B",
        "file size",
        "smallest",
        "times smaller a file than the teacher's",
        "times larger a file than the teacher's",
        "as large a file as the teacher's",
    ),
    "latency_cpu": Cost(
        "Latency, CPU",
        "Milliseconds of processor time that one image takes by itself, on one thread of the machine that made the "
        "study: the median of many passes. Measured, so it differs from run to run.",
        "ms",
        "latency on the CPU",
        "fastest",
        "times faster on the CPU than the teacher",
        "times slower on the CPU than the teacher",
        "as fast on the CPU as the teacher",
    ),
    "latency_cuda": Cost(
        "Latency, GPU",
        "Milliseconds that one image takes by itself on the GPU of the machine that made the study: the median of many "
        "passes. Measured, so it differs from run to run.",
        "ms",
        "latency on the GPU",
        "fastest",
        "times faster on the GPU than the teacher",
        "times slower on the GPU than the teacher",
        "as fast on the GPU as the teacher",
    ),
}


def cost_rows(costs: pd.DataFrame) -> pd.DataFrame:
    """Return a study's costs (`core.costs.COLUMNS`) as rows of its summary (`core.summarise.COLUMNS`)."""
    text = dict.fromkeys(("seed", "method", "importance", "outside", "subset", "control"), "")
    first = ["kind", "cell", "architecture", "alpha", "seed", "method", "measure", "importance", "outside", "subset"]
    rows = costs.assign(kind="cost", alpha=math.nan, skipped=0, explanation_weight=0.0, **text)
    return rows[[*first, "control", "estimate", "low", "high", "n", "skipped", "explanation_weight"]]


def relative(cost: str, ratio: float) -> str:
    """Say what a network costs beside the teacher: "3.9 times fewer parameters than the teacher"."""
    about = COSTS[cost]
    if math.isnan(ratio):
        return f"{about.by} beside the teacher's unknown"
    if f"{max(ratio, 1 / ratio):.1f}" == "1.0":
        return about.same
    return f"{ratio:.1f} {about.fewer}" if ratio > 1 else f"{1 / ratio:.1f} {about.more}"


def amount(cost: str, value: float) -> str:
    """Return a cost as people write it, to three digits: 135 k, 1.81 G, 283 kB, 2.05 ms."""
    unit = COSTS[cost].unit
    if math.isnan(value):
        return "–"
    if unit == "ms":
        return f"{value:.3g} ms"
    rounded = float(f"{value:.3g}")
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rounded >= size:
            digits = max(0, 2 - math.floor(math.log10(rounded / size)))
            return f"{rounded / size:.{digits}f} {prefix}{unit}"
    return f"{value:.0f} {unit}".strip()
