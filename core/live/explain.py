"""An image explained now: every chosen network, saliency first, integrated gradients finer and finer."""

import os
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import fields, replace
from functools import cache, partial
from threading import Event

import numpy as np
import torch

from core.ask import Ask
from core.attribution import METHODS, Explanation, Prepared, Settings, baseline, explain, refine
from core.cells import Cell
from core.errors import UserError, unknown
from core.inputs import as_input
from core.live.cache import LiveCache
from core.live.networks import Interruptible, Networks, network
from core.live.results import CellResult, aligned, densities
from core.live.scene import Scene
from core.models import Header
from core.store import digest_of
from core.turns import Place, Stopped

VERSION = 2
"""Raise it when results change: what is kept on disk is then computed again."""


def with_teacher(networks: Networks, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells in order, the teacher first, each once."""
    return list(dict.fromkeys([networks.teacher, *cells]))


def explain_image(
    networks: Networks,
    scene: Scene,
    cells: Sequence[Cell],
    methods: Sequence[str],
    ask: Ask | None = None,
    kept: LiveCache | None = None,
    done: Collection[tuple[str, Cell]] = (),
    place: Place | None = None,
) -> Generator[CellResult]:
    """Explain an image through some networks: the quickest method first, then the next, level by level.

    Parameters
    ----------
    networks : Networks
        A study, or others. They are read, and kept in memory.
    scene : Scene
        From `scene_of` or `scene_of_image`.
    cells : sequence of Cell
        The teacher comes first, and also where it is not among them.
    methods : sequence of str
        Of `core.attribution.METHODS`; saliency is done first whatever the order.
    ask : Ask, optional
    kept : LiveCache, optional
        Where finished results are looked up and kept; give none for an image that must not reach the disk.
    done : collection, optional
        Methods and cells that are left out, but for the teacher where it is needed beside others.
    place : Place, optional
        In the line of those who want something explained. Every method waits for its turn anew, so that nobody's
        finest maps keep others from their first.

    Yields
    ------
    CellResult
        As soon as it is there, later levels of the same cell and method in place of earlier ones. Closing the iterator
        ends what is under way, within one pass through a network.

    Raises
    ------
    Stopped
        The place was.
    UserError
        An unknown method or target, or the teacher is missing or damaged; at the end, where other networks are.
    """
    ask, place = ask or Ask(), place or Place()
    for method in methods:
        if method not in METHODS:
            raise unknown("method", method, METHODS)
    target = _target(ask.target, scene, networks.header(networks.teacher).classes)
    failed: list[str] = []
    # One gradient against dozens: the first overlays are there at once.
    for method in sorted(dict.fromkeys(methods), key=lambda method: METHODS[method].signed):
        left = [cell for cell in with_teacher(networks, cells) if (method, cell) not in done]
        if not left:
            continue
        with place:
            if ask.target == "teacher" and target is None:
                # In the pool as well: two threads in one small network come to a halt on busy cores.
                target = workers().submit(lambda: _predict(*network(networks, networks.teacher), scene)[0]).result()
            closed = Event()
            check = partial(_check, place, closed)
            beside = with_teacher(networks, left)
            levels = {cell: _levels(networks, scene, cell, method, target, ask, kept, check) for cell in beside}
            teacher: np.ndarray | None = None
            for found in _side_by_side(levels, failed, closed):
                if found.cell == networks.teacher:
                    teacher = found.density
                yield found if teacher is None else aligned(found, teacher)
    if failed:
        raise UserError(" ".join(dict.fromkeys(failed)))


def _check(place: Place, closed: Event) -> None:
    place.check()
    if closed.is_set():
        raise Stopped


def _target(name: str, scene: Scene, classes: Sequence[str]) -> int | None:
    """Return the class to explain; None where every network has its own, or the teacher is still to be asked."""
    if name in classes:
        return classes.index(name)
    if name == "label":
        if scene.label is None:
            raise UserError('An image from outside has no label: choose "teacher", "own" or the name of a class.')
        return scene.label
    if name not in ("teacher", "own"):
        raise unknown("target", name, ("teacher", "own", *classes))
    return None


def _levels(
    networks: Networks,
    scene: Scene,
    cell: Cell,
    method: str,
    target: int | None,
    ask: Ask,
    kept: LiveCache | None,
    check: Callable[[], None],
) -> Iterator[CellResult]:
    """Explain one cell by one method, a level at a time; the last one only where results are kept."""
    check()
    prepared, header = network(networks, cell)
    prepared = Interruptible(prepared, check)
    predicted, probability = _predict(prepared, header, scene)
    chosen = predicted if target is None else target
    result = partial(_result, scene, cell, method, predicted, probability, chosen)
    work = partial(_explanations, prepared, header, scene, method, chosen, ask)
    if kept is None:
        yield from map(result, work())
        return
    asked = [VERSION, vars(header), scene.digest, method, chosen, ask.score, ask.baseline, ask.tolerance]
    found = kept.once(digest_of(asked), lambda: _arrays(work()), partial(_fits, len(scene.image)))
    yield result(Explanation(**found))


def _fits(side: int, arrays: dict[str, np.ndarray]) -> bool:
    """Return whether arrays, from wherever, are an explanation of one image of `side` pixels."""
    maps = {"maps": (1, side, side), "saliency": (1, side, side)}
    names = {field.name for field in fields(Explanation)}
    whole = names - {"saliency"} <= arrays.keys() <= names
    return whole and all(value.shape == maps.get(name, (1,)) for name, value in arrays.items())


def _explanations(
    prepared: Prepared, header: Header, scene: Scene, method: str, target: int, ask: Ask
) -> Iterator[Explanation]:
    x = as_input(scene.image[None], header.mean, header.std)
    begin = baseline(ask.baseline, x, header.mean, header.std)
    classes = np.array([target])
    if method == "integrated_gradients":
        yield from refine(prepared, x, classes, baseline=begin, score=ask.score, tolerance=ask.tolerance)
    else:
        yield explain(prepared, x, classes, [method], Settings(ask.score), baseline=begin)[method]


def _arrays(levels: Iterator[Explanation]) -> dict[str, np.ndarray]:
    *_, last = levels
    return {name: value for name, value in vars(last).items() if value is not None}


def _result(
    scene: Scene, cell: Cell, method: str, predicted: int, probability: float, target: int, found: Explanation
) -> CellResult:
    return CellResult(
        cell,
        method,
        predicted,
        probability,
        target,
        found.maps[0],
        float(found.gap[0]),
        float(found.difference[0]),
        int(found.evaluations[0]),
        bool(found.converged[0]),
        False,
        densities(found.maps[0], method, scene),
    )


def _side_by_side(levels: dict[Cell, Iterator[CellResult]], failed: list[str], closed: Event) -> Generator[CellResult]:
    """Take every cell's next level in turn, so that all become finer together; the first cell's first level first.

    At the end, or when it is closed, `closed` is set and nothing is under way any more.
    """
    pool = workers()
    running: dict[Future[CellResult | None], Cell] = {}
    last: dict[Cell, CellResult] = {}

    def go_on(cell: Cell) -> None:
        running[pool.submit(next, levels[cell], None)] = cell

    try:
        for cell in levels:
            go_on(cell)
        first = next(iter(levels), None)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            if first not in last:
                done = {future for future in running if running[future] == first}
            for future in done:
                cell = running.pop(future)
                try:
                    found = future.result()
                except UserError as error:
                    if cell == first:
                        raise
                    failed.append(str(error))
                    continue
                if found is None:
                    yield replace(last[cell], final=True)
                    continue
                last[cell] = found
                go_on(cell)
                yield found
    finally:
        closed.set()
        wait([future for future in running if not future.cancel()])


def _predict(prepared: Prepared, header: Header, scene: Scene) -> tuple[int, float]:
    with torch.no_grad():
        logits = prepared(as_input(scene.image[None], header.mean, header.std))[0]
    predicted = int(logits.argmax())
    return predicted, float(torch.softmax(logits, 0)[predicted])


@cache
def workers() -> ThreadPoolExecutor:
    """Return the threads that compute: one pool for the whole process, so that visitors queue, not slow each other."""
    # One thread a network, as the operations of a small one are too short to share.
    threads = max(1, min(8, os.cpu_count() or 1))
    return ThreadPoolExecutor(threads, "explain", initializer=lambda: torch.set_num_threads(1))
