"""How far the maps on show may be trusted, found while somebody waits."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial

from core.ask import Ask
from core.cells import Cell
from core.errors import UserError
from core.live.cache import Arrays, LiveCache
from core.live.explain import explain_image
from core.live.kept import VERSION as MAPS_VERSION
from core.live.networks import Networks
from core.live.results import CellResult
from core.live.scene import Scene
from core.live.task import By, Task, here
from core.live.work import done
from core.methods import method_of
from core.store import digest_of
from core.trust import Trust
from core.turns import Place

VERSION = 1
"""Raise it when results change: what is kept on disk is then computed again."""


@dataclass(frozen=True)
class Checked:
    """A map put to its tests."""

    cell: Cell
    method: str
    trust: Trust


def counterpart(method: str) -> str:
    """Return the method whose map one is compared with: saliency for methods with a sign, else integrated gradients."""
    return "saliency" if method_of(method).signed else "integrated_gradients"


def check_maps(
    networks: Networks,
    scene: Scene,
    cells: Sequence[Cell],
    method: str,
    ask: Ask | None = None,
    kept: LiveCache | None = None,
    found: Iterable[CellResult] = (),
    place: Place | None = None,
    by: By = here,
) -> Generator[Checked]:
    """Put the maps of an image to their tests, a cell at a time.

    One at a time, also on a machine that could do more: who waits for maps goes first.

    Parameters
    ----------
    networks, scene, ask, kept, place, by
        As of `explain_image`.
    cells : sequence of Cell
        With the teacher.
    method : str
        Of `core.methods`.
    found : iterable of CellResult
        Maps that are there already; what is missing is computed.

    Yields
    ------
    Checked
        In the order of `cells`. Closing the iterator drops what has not begun.

    Raises
    ------
    Stopped, UserError
        As `explain_image`.
    """
    ask, place = ask or Ask(), place or Place()
    there = {(result.method, result.cell): result for result in found if result.final}
    methods = (method, counterpart(method))
    missing = [name for name in methods if any((name, cell) not in there for cell in cells)]
    failed: UserError | None = None
    try:
        for result in explain_image(networks, scene, cells, missing, ask, kept, place=place, by=by) if missing else ():
            if result.final:
                there[result.method, result.cell] = result
    except UserError as error:
        failed = error  # the other networks' maps are there
    for cell in cells:
        shown, other = (there.get((name, cell)) for name in methods)
        if shown is None:
            continue
        key = _key(networks, scene, cell, shown.method, shown.target, ask)
        arrays = kept.get(key, _fits) if kept else None  # what is kept waits for nobody
        if arrays is None:
            compute = partial(_checked, networks, scene, shown, other, ask, place, by)
            place.short = False
            with place:
                arrays = done(partial(kept.once, key, compute, _fits) if kept else compute, place)
        yield Checked(cell, method, Trust.from_arrays(arrays))
    if failed is not None:
        raise failed


def known_checks(
    networks: Networks, scene: Scene, method: str, targets: Mapping[Cell, int], ask: Ask, kept: LiveCache
) -> dict[Cell, Trust]:
    """Return what was found of an image's maps before, as far as it was kept. Computes nothing.

    Parameters
    ----------
    networks, scene, method, ask, kept
        As of `check_maps`.
    targets : mapping
        To each cell the class that its map explains.
    """
    found = {}
    for cell, target in targets.items():
        try:
            key = _key(networks, scene, cell, method, target, ask)
        except UserError:
            continue  # who asks for new checks is told
        arrays = kept.get(key, _fits)
        if arrays is not None:
            found[cell] = Trust.from_arrays(arrays)
    return found


def _key(networks: Networks, scene: Scene, cell: Cell, method: str, target: int, ask: Ask) -> str:
    asked = [VERSION, MAPS_VERSION, networks.header(cell).digest, scene.digest, method, target]
    return digest_of(["trust", *asked, ask.score, ask.baseline, ask.tolerance])


def _fits(arrays: Arrays) -> bool:
    """Return whether arrays, from wherever, are what was found of a map."""
    return arrays.keys() == {field.name for field in fields(Trust)}


def _checked(
    networks: Networks, scene: Scene, shown: CellResult, other: CellResult | None, ask: Ask, place: Place, by: By
) -> Arrays:
    maps = {"shown": shown.map} | ({} if other is None else {"other": other.map})
    task = Task("trust", scene.image, ask, shown.method, shown.target, maps, shown.gap, shown.difference)
    (found,) = by(networks, shown.cell, task, place.check)
    return found
