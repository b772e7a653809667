"""What a visitor's own image makes the networks say: started, followed and shown while it is being computed."""

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core.cells import Cell
from core.data.photos import open_photo, square
from core.overlay import side_by_side
from dashboard import charts, gallery, loaded, one_image, state, words
from dashboard.live_job import Job
from dashboard.names import decimal, kind, plain, short, title
from dashboard.state import Choices
from dashboard.viewer import Panel, viewer

if TYPE_CHECKING:
    from core.live import CellResult, Scene

KEY, PHOTO = "live job", "live photo"
"""Session state."""
SIDE, LONGEST, POLL = 448, 2000, 0.3
"""Pixels of the photo as shown, and as kept; seconds between two looks at how far the job is."""


def job_for(choices: Choices, data: bytes, photo: np.ndarray) -> tuple[Job, "Scene"]:
    """Return the visitor's job for an image, begun if it is a new one; the one before it is dropped.

    All networks of the study are asked, by all its methods: another choice on the left is then shown at once.
    """
    from core import live  # torch: seconds, the first time

    study = choices.study
    scene = live.scene_of(study, photo)
    key = hashlib.sha256(data).hexdigest() + str(study.folder) + loaded.stamp(study.folder)
    job: Job | None = st.session_state.get(KEY)
    if job is None or job.key != key:
        if job is not None:
            job.cancel()
        config = choices.config
        everything = replace(choices, architectures=state.architectures(study), alphas=config.students.alphas)
        cells, methods = state.cells(everything), config.explain.methods
        job = st.session_state[KEY] = Job(key, len(cells) * len(methods))
        job.start(lambda: live.explain_image(study, scene, cells, methods))
    return job, scene


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
    st.session_state.pop(PHOTO, None)
    job: Job | None = st.session_state.pop(KEY, None)
    if job is not None:
        job.cancel()


def follow(job: Job, scene: "Scene", photo: np.ndarray, choices: Choices) -> None:
    """Show what is there, and again and again until all of it is."""
    polling = job.running

    @st.fragment(run_every=POLL if polling else None)
    def look() -> None:
        if job.running:
            bar, button = st.columns([4, 1], vertical_alignment="center")
            bar.progress(len(job.results) / job.total, f"{len(job.results)} of {job.total} explanations are there.")
            button.button("Stop", on_click=job.cancel, width="stretch")
        elif polling:
            st.rerun()
        _results(job, scene, photo, choices)

    look()


def _results(job: Job, scene: "Scene", photo: np.ndarray, choices: Choices) -> None:
    if job.error:
        st.error(plain(job.error))
    method, found = shown(job.results, state.cells(choices), choices.method)
    if not found:
        return
    names = gallery.classes(choices.study)
    teacher = found[0]
    alike = [result.predicted == teacher.predicted for result in found[1:]]
    st.markdown(
        f"#### The teacher answers {plain(names[teacher.predicted])} ({teacher.probability:.0%}){_agree(alike)}."
    )
    missing = "" if method == choices.method else f" {words.method_label(choices.method)} follow."
    st.markdown(
        f"{words.method_label(method)}: what on this photo speaks to **{plain(names[teacher.target])}**, in every "
        f"network.{missing}"
    )
    panels = [_panel(result, names, choices.study.teacher) for result in found]
    viewer(square(photo, SIDE), panels, scene.part_map, scene.parts, key="your_image")
    size = choices.config.data.image_size
    st.caption(
        f"The networks see the middle square of the photo at {size} × {size} pixels. Regions of similar colour stand "
        "in for parts; point at one to see its rank. All maps share one scale."
    )
    if not job.running:
        _details(job, scene, photo, choices, method, found, panels)


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
        label = words.method_label(result.method)
        row[f"ρ, {label.lower()}"] = result.alignment
        if np.isfinite(result.gap):
            row["Completeness gap"] = result.gap
    return pd.DataFrame([rows[cell] for cell in cells if cell in rows])


def _agree(alike: list[bool]) -> str:
    if not alike:
        return ""
    if all(alike):
        return "; so does every other network shown"
    return f"; so do {sum(alike)} of the {len(alike)} others shown" if any(alike) else "; no other network shown does"


def _panel(result: "CellResult", names: tuple[str, ...], teacher: Cell) -> Panel:
    return Panel(
        cell=result.cell.name,
        title=title(result.cell),
        kind=kind(result.cell, teacher),
        short=short(result.cell, teacher),
        relevance=result.map,
        says=f"{names[result.predicted]}, {result.probability:.0%}",
        right=None,
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
            f"By {words.method_label(method).lower()}, the students shown rank the regions like the teacher at "
            f"ρ = {decimal(min(students))} to {decimal(max(students))}."
        )
    rows = table(job.results, state.cells(choices), names, choices.study.teacher)
    st.dataframe(
        rows, hide_index=True, height="content", column_config=one_image.formats(rows), alt="What every network answers"
    )

    st.subheader("The regions, in every network's order", anchor=False)
    st.markdown("1 is the region looked at hardest, per pixel.")
    ranks = one_image.rank_table(panels, scene.parts)
    charts.show(one_image.rank_matrix(ranks), "regions", "Rank of every region in every network.")

    about = {"study": choices.study.name, "knows": choices.study.knows, **as_json(job.results, scene, names)}
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
