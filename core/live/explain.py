"""An image explained now: every chosen network, saliency first, integrated gradients finer and finer."""

from collections.abc import Collection, Generator, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from threading import Event

import numpy as np

from core.ask import Ask
from core.cells import Cell
from core.errors import UserError, unknown
from core.live.cache import Arrays, LiveCache
from core.live.kept import answer_key, is_answer, is_map, map_key, read_answer
from core.live.networks import Networks
from core.live.results import CellResult, aligned, densities
from core.live.scene import Scene
from core.live.task import By, Check, Task, here
from core.live.work import done as computed
from core.live.work import first_of, workers
from core.methods import METHODS, method_of
from core.turns import Place, Stopped


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
    by: By = here,
) -> Generator[CellResult]:
    """Explain an image through some networks: quick methods first, then the others, level by level.

    Parameters
    ----------
    networks : Networks
        A study, or others. They are read, and kept in memory.
    scene : Scene
        From `scene_of` or `scene_of_image`.
    cells : sequence of Cell
        The teacher comes first, and also where it is not among them.
    methods : sequence of str
        Of `core.methods`; those of one gradient are done first whatever the order.
    ask : Ask, optional
    kept : LiveCache, optional
        Where finished results are looked up and kept; give none for an image that must not reach the disk.
    done : collection, optional
        Methods and cells that are left out, but for the teacher where it is needed beside others.
    place : Place, optional
        In the line of those who want something explained. Every method waits for its turn anew, and quick ones go
        before others, so that nobody's finest maps keep others from their first. What is kept waits for nobody.
    by : By, optional
        Who does the tasks; by default this process.

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
        method_of(method)
    target = _target(ask.target, scene, networks.header(networks.teacher).classes)
    failed: list[str] = []
    # One gradient against dozens: the first overlays are there at once.
    for method in sorted(dict.fromkeys(methods), key=lambda method: not METHODS[method].quick):
        left = [cell for cell in with_teacher(networks, cells) if (method, cell) not in done]
        if left and kept is not None:
            there = _there(networks, scene, with_teacher(networks, left), method, target, ask, kept)
            yield from there.values()
            left = [cell for cell in left if cell not in there]
        if not left:
            continue
        place.short = METHODS[method].quick
        with place:
            if ask.target == "teacher" and target is None:
                # In the pool as well: two threads in one small network come to a halt on busy cores.
                target = computed(partial(_answer, networks, networks.teacher, scene, kept, by, place.check), place)[0]
            closed = Event()
            check = partial(_check, place, closed)
            beside = with_teacher(networks, left)
            levels = {cell: _levels(networks, scene, cell, method, target, ask, kept, by, check) for cell in beside}
            teacher: np.ndarray | None = None
            for found in _side_by_side(levels, failed, closed, place):
                if found.cell == networks.teacher:
                    teacher = found.density
                yield found if teacher is None else aligned(found, teacher)
    if failed:
        raise UserError(" ".join(dict.fromkeys(failed)))


def _check(place: Place, closed: Event, alive: bool = True) -> None:
    place.check(alive)
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
    by: By,
    check: Check,
) -> Iterator[CellResult]:
    """Explain one cell by one method, a level at a time; the last one only where results are kept."""
    check()
    predicted, probability = _answer(networks, cell, scene, kept, by, check)
    chosen = predicted if target is None else target
    result = partial(_result, scene, cell, method, predicted, probability, chosen)
    work = partial(by, networks, cell, Task("map", scene.image, ask, method, chosen), check)
    if kept is None:
        yield from map(result, work())
        return
    key, fits = map_key(networks.header(cell), scene, method, chosen, ask), partial(is_map, len(scene.image))
    yield result(kept.once(key, lambda: _last(work()), fits))


def _there(
    networks: Networks,
    scene: Scene,
    cells: Sequence[Cell],
    method: str,
    target: int | None,
    ask: Ask,
    kept: LiveCache,
) -> dict[Cell, CellResult]:
    """Return what is kept, for which no network has to be asked or even read; nothing without the teacher's."""
    found: dict[Cell, CellResult] = {}
    for cell in cells:  # the teacher first
        try:
            header = networks.header(cell)
        except UserError:  # who explains it says so
            continue
        answer = kept.get(answer_key(header, scene), partial(is_answer, len(header.classes)))
        if answer is None:
            continue
        predicted, probability = read_answer(answer)
        if target is None and ask.target == "teacher":  # which is the first
            target = predicted
        chosen = predicted if target is None else target
        arrays = kept.get(map_key(header, scene, method, chosen, ask), partial(is_map, len(scene.image)))
        if arrays is not None:
            last = _result(scene, cell, method, predicted, probability, chosen, arrays)
            found[cell] = replace(last, final=True)
    if networks.teacher not in found:
        return {}
    return {cell: aligned(result, found[networks.teacher].density) for cell, result in found.items()}


def _answer(
    networks: Networks, cell: Cell, scene: Scene, kept: LiveCache | None, by: By, check: Check
) -> tuple[int, float]:
    """Return the class that a network answers, and its probability, from what is kept where that is allowed."""
    work = partial(by, networks, cell, Task("answer", scene.image), check)
    if kept is None:
        return read_answer(_last(work()))
    header = networks.header(cell)
    fits = partial(is_answer, len(header.classes))
    return read_answer(kept.once(answer_key(header, scene), lambda: _last(work()), fits))


def _last(levels: Iterator[Arrays]) -> Arrays:
    *_, last = levels
    return last


def _result(
    scene: Scene, cell: Cell, method: str, predicted: int, probability: float, target: int, found: Arrays
) -> CellResult:
    return CellResult(
        cell,
        method,
        predicted,
        probability,
        target,
        found["maps"][0],
        float(found["gap"][0]),
        float(found["difference"][0]),
        int(found["evaluations"][0]),
        bool(found["converged"][0]),
        False,
        densities(found["maps"][0], method, scene),
    )


def _side_by_side(
    levels: dict[Cell, Iterator[CellResult]], failed: list[str], closed: Event, place: Place
) -> Generator[CellResult]:
    """Take every cell's next level in turn, so that all become finer together; the first cell's first level first.

    Between two levels the turn is passed on where it is due. At the end, or when it is closed, `closed` is set and
    nothing is under way any more, but for what was cut off.
    """
    running: dict[Future[CellResult | None], Cell] = {}
    last: dict[Cell, CellResult] = {}
    left = list(levels)

    try:
        first = left[0] if left else None
        while running or left:
            due = place.due and first in last
            if due:
                left += [running.pop(future) for future in list(running) if future.cancel()]
            if due and not running:
                place.pass_on()
                due = False
            if not due:
                running |= {workers().submit(next, levels[cell], None): cell for cell in left}
                left.clear()
            for future in first_of(running if first in last else [_of(running, first)], place):
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
                left.append(cell)
                yield found
    finally:
        closed.set()
        if not place.cut_off:
            wait([future for future in running if not future.cancel()])


def _of(running: dict[Future[CellResult | None], Cell], cell: Cell | None) -> Future[CellResult | None]:
    return next(future for future in running if running[future] == cell)
