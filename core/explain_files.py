"""Image files through a set of networks: overlays and one JSON file."""

from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.ask import Ask
from core.cells import Cell
from core.data.photos import open_photo
from core.errors import UserError
from core.live import Networks, as_json, explain_image, scene_of, settled, with_teacher
from core.methods import METHODS
from core.numbers import percent
from core.overlay import OPACITY, overlay, shared_scale, side_by_side
from core.store import write_bytes, write_json

SIDE = 448
"""Pixels of an overlay's side: small networks see small images, people do not like to."""


def explain_files(
    networks: Networks, paths: Sequence[Path], cells: Sequence[Cell], methods: Sequence[str], ask: Ask, out: Path
) -> Iterator[str]:
    """Explain image files, and yield one line on each cell and each file written.

    Writes into `out`: `<image>/<method>/<cell>.png` and, side by side, `<image>/<method>.png`, all of one method on one
    scale; and `explanations.json`.

    Raises
    ------
    UserError
        A file that is not an image (the others are finished first), or an unknown cell, method or target.
    """
    found: dict[str, Any] = {}
    failed: list[str] = []
    classes = networks.header(networks.teacher).classes
    for path in paths:
        try:
            photo = open_photo(path)
        except UserError as error:
            failed.append(str(error))
            continue
        scene = scene_of(networks, photo)
        last = settled(explain_image(networks, scene, cells, methods, ask), networks.teacher)
        by_cell = {(result.method, result.cell): result for result in last}
        results = [by_cell[method, cell] for method in dict.fromkeys(methods) for cell in with_teacher(networks, cells)]
        name = _free_name(path.stem if path.stem.strip(".") else "image", found)  # "...jpg" would lie outside
        large = networks.view(photo, SIDE)
        for method in dict.fromkeys(result.method for result in results):
            of_method = [result for result in results if result.method == method]
            scale = shared_scale(result.map for result in of_method)
            yield f"{path.name}, {METHODS[method].label}:"
            for result in of_method:
                drawn = overlay(large, result.map, OPACITY, scale)
                png = cv2.imencode(".png", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))[1].tobytes()
                write_bytes(out / name / method / f"{result.cell.name}.png", png)
                rho = "undefined" if np.isnan(result.alignment) else f"= {result.alignment:.2f}"
                alike = f"regions ranked like the teacher's at ρ {rho}"
                about = "the teacher" if result.cell == networks.teacher else alike
                bar = f", map ± {percent(result.difference)}" if result.difference > 0 else ""
                bar = bar if np.isfinite(result.map).all() else ", no map: its gradient is not a number"
                yield f"  {result.cell.name}: {classes[result.predicted]} ({result.probability:.0%}), {about}{bar}"
            together = side_by_side(large, {result.cell.name: result.map for result in of_method})
            write_bytes(out / name / f"{method}.png", together)
        found[name] = {"file": path.name, **as_json(results, scene, classes, ask)}
        write_json(out / "explanations.json", {"networks": networks.name, "knows": networks.knows, "images": found})
    if found:
        yield f"Overlays and explanations.json are in {out}."
    if failed:
        raise UserError(" ".join(failed))


def _free_name(stem: str, taken: Container[str]) -> str:
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}"
    return name
