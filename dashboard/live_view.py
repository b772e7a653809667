"""What a visitor's own image makes the networks say: started, followed and shown while it is being computed."""

import hashlib
import json
from collections.abc import Callable, Collection, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core.ask import Ask
from core.cells import Cell
from core.data.photos import open_photo, square
from core.numbers import percent
from core.overlay import side_by_side
from core.study import Study
from dashboard import asking, charts, gallery, loaded, one_image, state, trust_view, words
from dashboard.live_job import Job
from dashboard.names import decimal, kind, plain, short, title
from dashboard.state import Choices
from dashboard.viewer import Panel, viewer

if TYPE_CHECKING:
    from core.live import CellResult, Checked, Scene

KEY, PHOTO = "live job", "live photo"
"""Session state."""
SIDE, LONGEST, POLL = 448, 2000, 0.3
"""Pixels of the photo as shown, and as kept; seconds between two looks at how far the job is."""


def job_for(choices: Choices, data: bytes, photo: np.ndarray, ask: Ask) -> tuple[Job, "Scene"]:
    """Return the visitor's job for an image, begun if it is a new one; the one before it is dropped.

    All networks of the study are asked, by all its methods and the one chosen: another choice on the left is then shown
    at once. What is there of the same image stays when a further method is chosen.
    """
    from core import live  # torch: seconds, the first time

    study = choices.study
    scene = live.scene_of(study, photo)
    config = choices.config
    everything = replace(choices, architectures=state.architectures(study), alphas=config.students.alphas)
    about = f"{hashlib.sha256(data).hexdigest()} {study.folder} {loaded.stamp(study.folder)} {ask}"
    there = _finished(about)
    cells = state.cells(everything)
    methods = list(dict.fromkeys([*config.explain.methods, choices.method, *(method for method, _ in there)]))
    missing = [method for method in methods if any((method, cell) not in there for cell in cells)]

    def explain(done: Collection[tuple[str, Cell]]) -> Generator["CellResult"]:
        return live.explain_image(study, scene, cells, missing, ask, done=done)

    return _job(f"{about} {sorted(methods)}", ask, len(cells) * len(methods), explain, there), scene


def _finished(about: str) -> dict[tuple[str, Cell], "CellResult"]:
    """Return what the visitor's job has finished, if it is about the same."""
    job: Job | None = st.session_state.get(KEY)
    if job is None or not job.key.startswith(about):
        return {}
    return {key: result for key, result in list(job.found.items()) if result.final}


def job_for_image(choices: Choices, image: int, ask: Ask) -> tuple[Job, "Scene"]:
    """Return the visitor's job for an image of the study, begun if it is a new one; what is found is kept on disk."""
    from core import live

    study, cells = choices.study, state.cells(choices)
    scene = live.scene_of_image(study, image)
    key = f"{image} {study.folder} {loaded.stamp(study.folder)} {ask} {choices.method} {cells}"

    def explain(done: Collection[tuple[str, Cell]]) -> Generator["CellResult"]:
        return live.explain_image(study, scene, cells, [choices.method], ask, live.live_cache(), done)

    return _job(key, ask, len(cells), explain), scene


def _job(
    key: str,
    ask: Ask,
    total: int,
    explain: Callable[[Collection[tuple[str, Cell]]], Generator["CellResult"]],
    there: dict[tuple[str, Cell], "CellResult"] | None = None,
) -> Job:
    job: Job | None = st.session_state.get(KEY)
    if job is None or job.key != key:
        if job is not None:
            job.cancel()
        begun = job = st.session_state[KEY] = Job(key, total, ask, dict(there or {}))
        job.start(lambda: explain(begun.finished))
    return job


def opened(data: bytes) -> np.ndarray:
    """Decode a visitor's image once, no larger than is shown; kept in the session until `forget`.

    Raises
    ------
    UserError
        As `open_photo`.
    """
    key = hashlib.sha256(data).hexdigest()
    if st.session_state.get(PHOTO, ("",))[0] != key:
        st.session_state[PHOTO] = (key, open_photo(data, name="This file", longest=LONGEST))
    photo: np.ndarray = st.session_state[PHOTO][1]
    return photo


def forget() -> None:
    """Drop the visitor's image, the job and all that it found."""
    trust_view.forget()
    st.session_state.pop(PHOTO, None)
    job: Job | None = st.session_state.pop(KEY, None)
    if job is not None:
        job.cancel()


def follow(job: Job, show: Callable[[], None]) -> None:
    """Show what is there, and again and again until all of it is."""
    polling = job.running

    @st.fragment(run_every=POLL if polling else None)
    def look() -> None:
        if job.running != polling:
            st.rerun()
        if job.running or job.stopped:
            bar, button = st.columns([4, 1], vertical_alignment="center")
            done = f"{job.done} of {job.total} explanations are finished."
            bar.progress(min(1.0, job.done / job.total), done if job.running else f"Stopped: {done}")
            label, click = ("Stop", job.cancel) if job.running else ("Go on", job.go_on)
            button.button(label, on_click=click, width="stretch")
        show()

    look()


def results(job: Job, scene: "Scene", photo: np.ndarray, choices: Choices) -> None:
    """Draw what a visitor's image makes the networks say, as far as it is known."""
    if job.error:
        st.error(plain(job.error))
    cells = state.cells(choices)
    method, found = shown(job.results(choices.study.teacher), cells, choices.method)
    if not found:
        return
    names = gallery.classes(choices.study)
    teacher = found[0]
    alike = [result.predicted == teacher.predicted for result in found[1:]]
    agree = _so_far(found, cells) or _agree(alike)
    st.markdown(f"## The teacher answers {plain(names[teacher.predicted])} ({teacher.probability:.0%}){agree}.")
    missing = f" {words.method_label(choices.method)} will follow." if method != choices.method and job.running else ""
    st.markdown(
        f"{words.method_label(method)}{begun(method, job.ask)}: what on this photo speaks to {_of(found, names)}, in "
        f"every network.{missing}"
    )
    panels = [_panel(result, names, choices.study.teacher) for result in found]
    cells = [result.cell for result in found]
    checks = trust_view.about(f"{job.key} {method} {cells}")
    viewer(square(photo, SIDE), trust_view.marked(panels, cells, checks), scene.part_map, scene.parts, key="your_image")
    size = choices.config.data.image_size
    st.caption(
        f"The networks see the middle square of the photo at {size} × {size} pixels. Regions of similar colour stand "
        f"in for parts; point at one to see its rank. All maps share one scale. {how_exact(found)}"
    )
    if not job.running:
        everything = list(job.found.values())

        def check() -> Generator["Checked"]:
            from core.live import check_maps

            return check_maps(choices.study, scene, cells, method, job.ask, found=everything)

        trust_view.section(checks, cells, choices.study.teacher, method, check)
        _details(job, scene, photo, choices, method, found, panels)


def again(job: Job, scene: "Scene", choices: Choices) -> None:
    """Draw an image of the study explained anew, as far as it is known."""
    if job.error:
        st.error(plain(job.error))
    names, study = gallery.classes(choices.study), choices.study
    cells = state.cells(choices)
    method, found = shown(job.results(study.teacher), cells, choices.method)
    if not found or scene.label is None:
        return
    whole = one_image.sentence([r.cell for r in found], [r.alignment for r in found])
    so_far = _so_far(found, cells)
    st.markdown(f"## The teacher is explained{so_far}." if so_far else f"## {whole}")
    st.markdown(
        f"{words.method_label(method)}{begun(method, job.ask)}: what on this image of a "
        f"**{plain(names[scene.label])}** speaks to {_of(found, names)}, at full size."
    )
    panels = [_panel(result, names, study.teacher, scene.label) for result in found]
    cells = [result.cell for result in found]
    checks = trust_view.about(f"{job.key} {method} {cells}")
    viewer(
        square(scene.image, SIDE), trust_view.marked(panels, cells, checks), scene.part_map, scene.parts, key="again"
    )
    st.caption(f"Computed for this choice, and kept for the next time. All maps share one scale. {how_exact(found)}")
    if not job.running:
        trust_view.section(
            checks, cells, study.teacher, method, lambda: check_image(study, scene, cells, method, job.ask)
        )
        rows = table(found, cells, names, study.teacher)
        formats = one_image.formats(rows)
        st.dataframe(rows, hide_index=True, height="content", column_config=formats, alt="What every network answers")


def check_image(study: Study, scene: "Scene | int", cells: list[Cell], method: str, ask: Ask) -> Generator["Checked"]:
    """Put the maps of an image of the study, by its scene or its id, to their tests; what is found is kept on disk."""
    from core import live

    seen = live.scene_of_image(study, scene) if isinstance(scene, int) else scene
    yield from live.check_maps(study, seen, cells, method, ask, live.live_cache())


def begun(method: str, ask: Ask) -> str:
    """Say where the path of a method begins and what of the class it explains, unless that goes without saying."""
    said = [f"from {asking.FROM[ask.baseline]}"] if method in words.FROM_A_BASELINE else []
    said += [f"of the {asking.SCORES[ask.score].lower()}"] if ask.score != "logit" else []
    return f" ({', '.join(said)})" if said else ""


def _of(found: list["CellResult"], names: tuple[str, ...]) -> str:
    targets = {result.target for result in found}
    return f"**{plain(names[targets.pop()])}**" if len(targets) == 1 else "**its own answer**"


def shown(results: list["CellResult"], cells: list[Cell], wish: str) -> tuple[str, list["CellResult"]]:
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


def how_exact(found: list["CellResult"]) -> str:
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


def table(results: list["CellResult"], cells: list[Cell], names: tuple[str, ...], teacher: Cell) -> pd.DataFrame:
    """Return one row a network: its answer, and by each method its agreement with the teacher and its gap."""
    rows: dict[Cell, dict[str, object]] = {}
    for result in sorted(results, key=lambda result: result.method, reverse=True):
        if result.cell not in cells:
            continue
        row = rows.setdefault(
            result.cell,
            {
                "Network": title(result.cell),
                "Trained": kind(result.cell, teacher),
                "Answer": names[result.predicted],
                "Probability": result.probability,
            },
        )
        row[f"ρ, {words.method_within(result.method)}"] = result.alignment
        if np.isfinite(result.gap):
            row |= {"Completeness gap": result.gap, "Map's error bar": result.difference}
    return pd.DataFrame([rows[cell] for cell in cells if cell in rows])


def _so_far(found: list["CellResult"], cells: list[Cell]) -> str:
    """Say how many networks are there while some are not: nothing is said of all of them before."""
    return "" if len(found) == len(cells) else f"; {len(found)} of {len(cells)} networks are there so far"


def _agree(alike: list[bool]) -> str:
    if not alike:
        return ""
    if all(alike):
        return "; so does every other network shown"
    so = "so does" if sum(alike) == 1 else "so do"
    return f"; {so} {sum(alike)} of the {len(alike)} others shown" if any(alike) else "; no other network shown does"


def _panel(result: "CellResult", names: tuple[str, ...], teacher: Cell, label: int | None = None) -> Panel:
    return Panel(
        cell=result.cell.name,
        title=title(result.cell),
        kind=kind(result.cell, teacher),
        short=short(result.cell, teacher),
        relevance=result.map,
        says=f"{names[result.predicted]}, {result.probability:.0%}",
        right=None if label is None else result.predicted == label,
        alignment=result.alignment,
        importance=result.density,
    )


def _details(
    job: Job,
    scene: "Scene",
    photo: np.ndarray,
    choices: Choices,
    method: str,
    found: list["CellResult"],
    panels: list[Panel],
) -> None:
    from core.live import as_json

    names = gallery.classes(choices.study)
    st.subheader("What they answer, and how alike they look", anchor=False)
    students = [result.alignment for result in found[1:] if np.isfinite(result.alignment)]
    if students:
        st.markdown(
            f"By {words.method_within(method)}, the students shown rank the regions like the teacher at "
            f"ρ = {decimal(min(students))} to {decimal(max(students))}."
        )
    elif found[1:]:
        st.markdown(one_image.UNDEFINED)
    rows = table(job.results(choices.study.teacher), state.cells(choices), names, choices.study.teacher)
    st.dataframe(
        rows, hide_index=True, height="content", column_config=one_image.formats(rows), alt="What every network answers"
    )

    st.subheader("The regions, in every network's order", anchor=False)
    ranks = one_image.rank_table(panels, scene.parts)
    if len(ranks):
        st.markdown("1 is the region looked at hardest, per pixel.")
        charts.show(one_image.rank_matrix(ranks), "regions", "Rank of every region in every network.")
    else:
        st.markdown(one_image.NO_RANKS)

    found_all = as_json(job.results(choices.study.teacher), scene, names, job.ask)
    about = {"study": choices.study.name, "knows": choices.study.knows, **found_all}
    text = json.dumps(about, indent=1, ensure_ascii=False)
    left, right, _ = st.columns([1, 1, 2])
    left.download_button("Results as JSON", text, "explanations.json", "application/json", on_click="ignore")
    right.download_button(
        "Overlays as PNG",
        lambda: side_by_side(square(photo, SIDE), {r.cell.name: r.map for r in found}),
        "overlays.png",
        "image/png",
        on_click="ignore",
    )
