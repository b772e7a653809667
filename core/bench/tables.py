"""What a bench found, as tables in a terminal."""

import math
import statistics
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from core.bench.contenders import LABELS
from core.bench.quality import Hold, hold
from core.bench.record import Report, Run, Timed

WANTED = {"equal_map": (4.0, 1.5), "equal_parts": (10.0, 4.0), "first_map": (15.0, 6.0)}
"""Times as fast as Captum's default and as Captum well tuned."""
HELD, CASES, MEMORY = 0.97, 300, 2e9
"""Least share of errors under their bar, fewest image-levels that say so, most bytes of eight images."""


def show(report: Report, console: Console) -> None:
    """Print all tables; those of what was not measured are left out."""
    around = report.environment
    console.print(
        f"{around['cores']} cores, {around['threads']} threads, {around['precision']}, torch {around['torch']}, "
        f"Captum {around['captum']}, load average {around['load_average'][0]:.1f} at the start",
        highlight=False,
    )
    timed = [network for network in report.networks if network.runs]
    for network in timed:
        console.print(seconds_table(network))
    for table in (ratios_table(timed), hold_table(timed), floor_table(timed)):
        if table.row_count:
            console.print(table)
    if memory := report.memory:
        console.print(
            f"Peak memory of {memory.images} images of {memory.side} px, {memory.network}, up to {memory.points} "
            f"points each: {memory.bytes / 1e9:.2f} GB (wanted < {MEMORY / 1e9:.0f} GB); had each spent the whole "
            f"budget, about {memory.bytes_at_budget / 1e9:.2f} GB.",
            soft_wrap=True,
            highlight=False,
        )
    if not (report.options.resnet50 or report.options.squeezenet):
        console.print(
            "Trained networks at 224 px were not timed, as their weights do not come with this: "
            "give --resnet50 FILE or --squeezenet FILE, and --photos FOLDER.",
            soft_wrap=True,
            highlight=False,
        )


def seconds_table(network: Timed) -> Table:
    """Return what each way to explain takes and gives, over all images and rounds of a network."""
    columns = [Column("", no_wrap=True)]
    columns += [
        Column(h, justify="right") for h in ("seconds", "points", "d", "error", "parts' d", "parts' error", "rank ρ")
    ]
    unreached = sum(short(network, way) for way in ("equal_map", "equal_parts"))
    caption = f"{network.note}; Captum's best batch {network.captum_batch}, ours {network.chunk}; median (range)"
    if unreached:
        caption += f"; {unreached} times ours did not get as right as Captum within its budget"
    if "captum" not in {run.way for run in network.runs}:
        caption += "; Captum's default does not fit into memory"
    table = Table(
        *columns, title=f"{network.name}, {len(network.images)} images", caption=caption, box=SIMPLE, padding=0
    )
    for way, label in LABELS.items():
        runs = list(network.of(way).values())
        if runs:
            table.add_row(label, *_row(runs))
    return table


def _row(runs: Sequence[Run]) -> list[str]:
    return [
        spread([run.seconds for run in runs], ".3g"),
        spread([run.points for run in runs], ".0f"),
        spread([run.difference for run in runs], ".2g"),
        spread([run.errors.map for run in runs], ".2g"),
        spread([run.region_difference for run in runs], ".2g"),
        spread([run.errors.parts for run in runs], ".2g"),
        spread([run.errors.rank for run in runs], ".3f"),
    ]


def ratios_table(networks: Sequence[Timed]) -> Table:
    """Return how many times as fast as Captum ours is on the same image in the same round."""
    columns = [Column(h, no_wrap=True) for h in ("network", "ours", "× default", "wanted", "× tuned", "wanted")]
    caption = "seconds of Captum's / ours, on the same image in the same round; median (range)"
    table = Table(*columns, title="Times as fast as Captum", caption=caption, box=SIMPLE, padding=0)
    for network in networks:
        for way, wanted in {**WANTED, "default_map": (), "default_parts": (), "same_points": ()}.items():
            cells = []
            for k, other in enumerate(("captum", "captum_tuned")):
                ratios = faster(network, other, way)
                good = not wanted or not ratios or statistics.median(ratios) >= wanted[k]
                text = spread(ratios, ".2f") or "–"
                cells += [text if good else f"[red]{text}[/]", f"≥ {wanted[k]:g}" if wanted else ""]
            if network.of(way):
                table.add_row(
                    network.name, LABELS[way].removeprefix("ours, ").replace(" as right as Captum's", ""), *cells
                )
    return table


def faster(network: Timed, other: str, way: str) -> list[float]:
    """Return seconds of the other / seconds of this way, for every image and round that has both."""
    slow, fast = network.of(other), network.of(way)
    return [slow[key].seconds / fast[key].seconds for key in slow if key in fast]


def short(network: Timed, way: str) -> int:
    """Return how many images a way to explain left less right than Captum's well tuned 50 points."""
    theirs = network.of("captum_tuned")
    kind = "parts" if way == "equal_parts" else "map"
    pairs = {key[0]: (run, theirs[key]) for key, run in network.of(way).items() if key in theirs}
    # What differs by rounding only is as right.
    return sum(getattr(a.errors, kind) > getattr(b.errors, kind) * 1.001 + 1e-6 for a, b in pairs.values())


def holds(networks: Sequence[Timed]) -> tuple[Hold, Hold]:
    """Return how the error bars of maps and of regions held, over all levels of all images refined for either."""
    levels = [level for network in networks for found in network.levels.values() for level in found]
    maps = [(level.errors.map, level.difference) for level in levels if level.stop_on == "map"]
    parts = [(level.errors.density, level.region_difference) for level in levels if level.stop_on == "regions"]
    return hold([e for e, _ in maps], [d for _, d in maps]), hold([e for e, _ in parts], [d for _, d in parts])


def hold_table(networks: Sequence[Timed]) -> Table:
    """Return how often the true error was no larger than d."""
    columns = [Column("network", no_wrap=True)]
    for of in ("maps", "parts"):
        columns += [Column(f"{of}: {h}", justify="right") for h in ("cases", "error ≤ d", "worst / d")]
    caption = f"cases: levels of images; wanted: {HELD:.0%} of at least {CASES}; parts by density, as the engine's d is"
    table = Table(*columns, title="Whether the error bar d holds", caption=caption, box=SIMPLE, padding=0)
    known = [network for network in networks if network.levels]
    for name, group in [(n.name, [n]) for n in known] + ([("all", known)] if len(known) > 1 else []):
        cells = []
        for found in holds(group):
            held = f"{found.held:.1%}"
            cells += [str(found.count), held if found.held >= HELD else f"[red]{held}[/]", f"{found.worst:.2f}"]
        table.add_row(name, *cells)
    return table


def floor_table(networks: Sequence[Timed]) -> Table:
    """Return how near a point of ours comes to its convolutions alone."""
    columns = [Column("network", no_wrap=True)]
    headers = ("at once", "convolutions, ms", "ours, ms", "of the floor", "prepared in")
    columns += [Column(h, justify="right") for h in headers]
    table = Table(*columns, title="The convolution floor, a point of the path", box=SIMPLE, padding=0)
    for network in networks:
        if network.floor:
            ours = point_seconds(network)
            table.add_row(
                network.name,
                str(network.floor.batch),
                f"{network.floor.seconds * 1e3:.2f}",
                f"{ours * 1e3:.2f}",
                f"{network.floor.seconds / ours:.0%}",
                f"{network.preparing:.2f} s",
            )
    return table


def point_seconds(network: Timed) -> float:
    """Return the median seconds that ours takes a point, over whole maps."""
    ways = ("default_map", "equal_map", "same_points")
    found = [run.seconds / run.points for run in network.runs if run.way in ways]
    return statistics.median(found) if found else math.nan


def spread(values: Sequence[float], form: str) -> str:
    """Return the median, and the range in brackets where there is one; nothing for what is unknown."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return ""
    low, middle, high = (format(v, form) for v in (min(known), statistics.median(known), max(known)))
    return middle if low == high else f"{middle} ({low}–{high})"
