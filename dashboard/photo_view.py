"""What a visitor's own photo makes the networks say, drawn as far as it is known."""

import json
from collections.abc import Generator
from dataclasses import replace

import numpy as np
import streamlit as st

from core.figures.ranks import rank_matrix
from core.live import CellResult, Checked, Scene, as_json, check_maps
from core.live.apart import apart
from core.overlay import side_by_side
from core.turns import Place
from dashboard import charts, one_image, trust_view, words
from dashboard.asked import Asked
from dashboard.live_job import Job
from dashboard.live_view import SIDE, begun, how_exact, panel, shown, so_far, speaks_to, table
from dashboard.names import decimal, plain
from dashboard.viewer import Panel, viewer

CUTS = {0: "Regions of similar colour", 4: "4 × 4 squares", 6: "6 × 6 squares"}
"""Squares a side -> what the parts are called."""
CUTS_HELP = (
    "What stands in for parts, whose importance is ranked. Regions of similar colour follow what is on the photo. "
    "Squares cut every photo alike: A1 is the one at the top left, B1 the next to its right."
)


def results(job: Job, scene: Scene, photo: np.ndarray, asked: Asked) -> None:
    """Draw what a visitor's photo makes the networks say, as far as it is known."""
    if job.error:
        st.error(plain(job.error))
    cells, names = asked.cells, asked.classes
    there = job.results(asked.teacher, scene)
    method, found = shown(there, cells, asked.method)
    if not found:
        return
    teacher = found[0]
    alike = [result.predicted == teacher.predicted for result in found[1:]]
    agree = so_far(found, cells) or agreement(alike)
    st.markdown(f"## The teacher answers {plain(names[teacher.predicted])} ({teacher.probability:.0%}){agree}.")
    missing = f" {words.method_label(asked.method)} will follow." if method != asked.method and job.running else ""
    st.markdown(
        f"{words.method_label(method)}{begun(method, job.ask)}: what on this photo speaks to "
        f"{speaks_to(found, names)}, in every network.{missing}"
    )
    panels = [panel(result, names, asked.teacher, asked.kind(result.cell)) for result in found]
    cells = [result.cell for result in found]
    checks = trust_view.about(f"{job.key} {method} {cells}")
    square = asked.networks.view(photo, SIDE)
    if asked.unchecked:
        badged = [replace(panel, trusted="not checked", why=asked.unchecked) for panel in panels]
    else:
        badged = trust_view.marked(panels, cells, checks)
    viewer(square, badged, scene.part_map, scene.parts, key="your_image")
    side = len(scene.image)
    st.caption(
        f"The networks see this square of the photo, at {side} × {side} pixels. Point at a part to see its rank. All "
        f"maps share one scale. {asked.note} {how_exact(found)} {asked.unchecked}"
    )
    if not job.running:
        everything = list(job.found.values())

        def check(place: Place) -> Generator[Checked]:
            return check_maps(asked.networks, scene, cells, method, job.ask, None, everything, place, apart())

        if not asked.unchecked:
            trust_view.section(checks, cells, asked.teacher, method, check)
        _details(job, scene, asked, method, there, panels)
        _downloads(job, scene, square, asked, there, found)


def agreement(alike: list[bool]) -> str:
    """Say how many of the others answer as the teacher does."""
    if not alike:
        return ""
    if all(alike):
        return "; so does every other network shown"
    so = "so does" if sum(alike) == 1 else "so do"
    return f"; {so} {sum(alike)} of the {len(alike)} others shown" if any(alike) else "; no other network shown does"


def _details(job: Job, scene: Scene, asked: Asked, method: str, there: list[CellResult], panels: list[Panel]) -> None:
    st.subheader("What they answer, and how alike they look", anchor=False)
    students = [panel.alignment for panel in panels[1:] if np.isfinite(panel.alignment)]
    if students:
        st.markdown(
            f"By {words.method_within(method)}, the students shown rank the parts like the teacher at "
            f"ρ = {decimal(min(students))} to {decimal(max(students))}."
        )
    elif panels[1:]:
        st.markdown(one_image.UNDEFINED)
    rows = table(there, asked.cells, asked.classes, asked.kind)
    st.dataframe(
        rows, hide_index=True, height="content", column_config=one_image.formats(rows), alt="What every network answers"
    )
    st.subheader("The parts, in every network's order", anchor=False)
    ranks = one_image.rank_table(panels, scene.parts)
    if len(ranks):
        st.markdown("1 is the part looked at hardest, per pixel.")
        charts.show(charts.built(rank_matrix, ranks), "regions", "Rank of every part in every network.")
    else:
        st.markdown(one_image.NO_RANKS)


def _downloads(
    job: Job, scene: Scene, square: np.ndarray, asked: Asked, there: list[CellResult], found: list[CellResult]
) -> None:
    networks = asked.networks
    about = {"networks": networks.name, "knows": networks.knows, **as_json(there, scene, asked.classes, job.ask)}
    text = json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False)
    st.caption(
        "This view can't be shared by a link: the photo is nowhere but in your session. Download what should last."
    )
    left, right, _ = st.columns([1, 1, 2])
    left.download_button("Results as JSON", text, "explanations.json", "application/json", on_click="ignore")
    right.download_button(
        "Overlays as PNG",
        lambda: side_by_side(square, {r.cell.name: r.map for r in found}),
        "overlays.png",
        "image/png",
        on_click="ignore",
    )
