"""Explanations that are computed while somebody looks: followed, and put into words and tables."""

import time
from collections.abc import Callable, Generator, Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from core import live
from core.ask import Ask
from core.cells import Cell
from core.live import CellResult, Checked, Scene
from core.live.apart import apart
from core.numbers import percent
from core.study import Study, cache_folder
from core.trust import Trust
from core.turns import Place
from dashboard import asking, gallery, loaded, maps_view, one_image, trust_view, words
from dashboard.live_job import Job, seen, stop, stopped_here, visitors
from dashboard.names import kind, plain, short, title
from dashboard.state import Choices
from dashboard.viewer import Panel

SIDE = 448
"""Pixels of the image as shown."""
POLL, WAITING, REDRAW = 0.3, 1.0, 1.0
"""Seconds between two looks at how far a job is, the same while others are before it, and between two drawings."""


def job_for_image(choices: Choices, cells: Sequence[Cell], image: int, ask: Ask) -> tuple[Job, Scene]:
    """Return the visitor's job for an image of the study through some networks, begun if it is a new one.

    What is found is kept on disk.
    """
    study = choices.study
    of_image = f"{image} {study.folder} {loaded.stamp(study.folder)}"
    scene = seen(of_image, lambda: live.scene_of_image(study, image))
    key = f"{of_image} {ask} {choices.method} {cells}"

    def explain(job: Job, place: Place) -> Generator[CellResult]:
        methods, kept = [choices.method], live.live_cache()
        return live.explain_image(study, scene, cells, methods, ask, kept, job.finished, place, apart())

    return visitors(key, len(cells), ask, explain), scene


def follow(job: Job, show: Callable[[], None]) -> None:
    """Show what is there, and again whenever there is more, until all of it is.

    Drawing takes 40 ms of a processor, a look at how far the job is next to none: only the looks are repeated.
    """
    running, waiting, news, drawn = job.running, job.waiting, job.news, time.monotonic()

    @st.fragment(run_every=(WAITING if waiting else POLL) if running else None)
    def look() -> None:
        more = job.news > news and (not news or time.monotonic() - drawn >= REDRAW)
        if more or stopped_here(job) or (job.running, job.waiting) != (running, waiting):
            st.rerun()
        if job.running or job.stopped:
            bar, button = st.columns([4, 1], vertical_alignment="center")
            bar.progress(*progress(job))
            label, click = ("Stop", partial(stop, job)) if job.running else ("Go on", job.go_on)
            button.button("Try again" if job.error else label, on_click=click, width="stretch")

    @st.fragment
    def picture() -> None:
        show()

    look()
    picture()


def progress(job: Job) -> tuple[float, str]:
    """Return how far a job is, as a share and in words: what it waits for, then what it has finished."""
    done = f"{job.done} of {job.total} explanations are finished."
    share = min(1.0, job.done / job.total)
    if not job.running:
        return share, f"Stopped: {done}"
    if job.fetching is not None:
        name, there, total = job.fetching
        of = f" of {total / 1e6:.0f}" if total else ""
        return there / total if total else 0.0, f"Downloading {name}: {there / 1e6:.0f}{of} MB."
    before = job.place.before
    if before:
        waits = f"{before} {'other is' if before == 1 else 'others are'} before you."
        return share, f"{waits} {done}" if job.done else waits
    return share, done


def again(job: Job, scene: Scene, choices: Choices, cells: Sequence[Cell], layout: str, student: Cell | None) -> None:
    """Draw an image of the study explained anew, as far as it is known, just as maps that were kept are drawn.

    Parameters
    ----------
    job, scene
        From `job_for_image`.
    choices : Choices
    cells : sequence of Cell
        Those shown, the teacher first.
    layout, student
        As of `dashboard.maps_view`.
    """
    if gallery.CLICKED in st.session_state:
        st.rerun()  # this is drawn by itself, but another image is for the whole page
    if job.error:
        st.error(plain(job.error))
    names, study = gallery.classes(choices.study), choices.study
    method, found = shown(job.results(study.teacher), list(cells), choices.method)
    if not found or scene.label is None:
        return
    whole = one_image.sentence([r.cell for r in found], [r.alignment for r in found])
    yet = so_far(found, list(cells))
    st.markdown(f"## The teacher is explained{yet}." if yet else f"## {whole}")
    st.markdown(
        f"{words.method_label(method)}{begun(method, job.ask)}: what on this image of a "
        f"**{plain(names[scene.label])}** speaks to {speaks_to(found, names)}, at full size."
    )
    panels = [panel(result, names, study.teacher, kind(result.cell, study.teacher), scene.label) for result in found]
    there = [result.cell for result in found]
    targets = {result.cell: result.target for result in found}
    known = partial(known_checks, study, scene, method, targets, job.ask)
    key = f"{job.key} {method} {there} {job.running} {layout}"
    checks = trust_view.about(key, dict if job.running or layout == "grid" else known)
    maps_view.draw(scene.image, scene.part_map, scene.parts, there, panels, layout, checks)
    st.caption(f"Computed for this choice, and kept for the next time. All maps share one scale. {how_exact(found)}")
    if job.running:
        return
    if layout != "grid":
        check = partial(check_image, study, scene, there, method, job.ask)
        trust_view.section(checks, there, study.teacher, method, check)
    maps_view.slopes(scene.parts, there, panels, student, study.config.measure.top_k)
    rows = table(found, there, names, partial(kind, teacher=study.teacher))
    formats = one_image.formats(rows)
    st.dataframe(rows, hide_index=True, height="content", column_config=formats, alt="What every network answers")


def known_checks(
    study: Study, scene: Scene | int, method: str, targets: dict[Cell, int], ask: Ask
) -> dict[Cell, Trust]:
    """Return what `check_image` found before of the maps of an image, by the class that each of them explains."""
    if not (cache_folder() / "live").exists():  # nothing was
        return {}
    seen = live.scene_of_image(study, scene) if isinstance(scene, int) else scene
    return live.known_checks(study, seen, method, targets, ask, live.live_cache())


def check_image(
    study: Study, scene: Scene | int, cells: list[Cell], method: str, ask: Ask, place: Place
) -> Generator[Checked]:
    """Put the maps of an image of the study, by its scene or its id, to their tests; what is found is kept on disk."""
    seen = live.scene_of_image(study, scene) if isinstance(scene, int) else scene
    yield from live.check_maps(study, seen, cells, method, ask, live.live_cache(), place=place, by=apart())


def begun(method: str, ask: Ask) -> str:
    """Say where the path of a method begins and what of the class it explains, unless that goes without saying."""
    said = [f"from {asking.FROM[ask.baseline]}"] if method in words.FROM_A_BASELINE else []
    said += [f"of the {asking.SCORES[ask.score].lower()}"] if ask.score != "logit" else []
    return f" ({', '.join(said)})" if said else ""


def speaks_to(found: list[CellResult], names: tuple[str, ...]) -> str:
    """Name the class that maps explain, in bold."""
    targets = {result.target for result in found}
    return f"**{plain(names[targets.pop()])}**" if len(targets) == 1 else "**its own answer**"


def shown(results: list[CellResult], cells: list[Cell], wish: str) -> tuple[str, list[CellResult]]:
    """Return the method to show and its results in the order of `cells`: the wish once it is there for all of them.

    Until then the method that is furthest; nothing before the teacher, whom all are compared with.
    """
    by_method: dict[str, dict[Cell, CellResult]] = {}
    for result in results:
        by_method.setdefault(result.method, {})[result.cell] = result
    there = {method: [of[cell] for cell in cells if cell in of] for method, of in by_method.items()}
    there = {method: found for method, found in there.items() if found and found[0].cell == cells[0]}
    if not there:
        return wish, []
    best = max(there, key=lambda method: (len(there[method]), method == wish))
    return best, there[best]


def how_exact(found: list[CellResult]) -> str:
    """Say in one sentence how far maps may still be off."""
    said = []
    bars = [result.difference for result in found if result.difference > 0]
    if bars:
        said.append(f"The maps' error bars reach {percent(max(bars))}; the true errors are about half of that.")
    rough = sum(not result.converged and result.difference > 0 for result in found)
    if rough:
        said.append(f"{rough} of {len(found)} maps {'is' if rough == 1 else 'are'} still rough.")
    broken = sum(not np.isfinite(result.map).all() for result in found)
    if broken:
        said.append(f"{broken} of {len(found)} could not be made: the network's gradient is not a number somewhere.")
    return " ".join(said)


def table(
    results: list[CellResult], cells: list[Cell], names: tuple[str, ...], kind: Callable[[Cell], str]
) -> pd.DataFrame:
    """Return one row a network: its answer, and by each method its agreement with the teacher and its gap.

    `kind` says how a network was trained.
    """
    rows: dict[Cell, dict[str, object]] = {}
    for result in sorted(results, key=lambda result: result.method, reverse=True):
        if result.cell not in cells:
            continue
        row = rows.setdefault(
            result.cell,
            {
                "Network": title(result.cell),
                "Trained": kind(result.cell),
                "Answer": names[result.predicted],
                "Probability": result.probability,
            },
        )
        row[f"ρ, {words.method_within(result.method)}"] = result.alignment
        if np.isfinite(result.gap):
            row |= {"Completeness gap": result.gap, "Map's error bar": result.difference}
    return pd.DataFrame([rows[cell] for cell in cells if cell in rows])


def so_far(found: list[CellResult], cells: list[Cell]) -> str:
    """Say how many networks are there while some are not: nothing is said of all of them before."""
    return "" if len(found) == len(cells) else f"; {len(found)} of {len(cells)} networks are there so far"


def panel(result: CellResult, names: tuple[str, ...], teacher: Cell, kind: str, label: int | None = None) -> Panel:
    """Return what the viewer shows of one network; `kind` says how it was trained."""
    return Panel(
        cell=result.cell.name,
        title=title(result.cell),
        kind=kind,
        short=short(result.cell, teacher),
        relevance=result.map,
        says=f"{names[result.predicted]}, {result.probability:.0%}",
        right=None if label is None else result.predicted == label,
        alignment=result.alignment,
        importance=result.density,
    )
