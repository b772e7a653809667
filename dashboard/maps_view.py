"""The maps of one image of a study as the page of explanations shows them, whether they were kept or are made now."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from core.cells import Cell
from dashboard import charts, gallery, one_image, trust_view, words
from dashboard.grid_view import grid_view
from dashboard.live_job import Checks
from dashboard.state import kept
from dashboard.viewer import Panel, viewer

KEY = "explanations"
"""Of the viewer."""


def draw(
    photo: np.ndarray | None,
    part_map: np.ndarray | None,
    parts: Sequence[str],
    cells: Sequence[Cell],
    panels: Sequence[Panel],
    layout: str,
    checks: Checks,
) -> None:
    """Draw the maps of some networks as a key of `words.LAYOUTS` says; the teacher's first.

    Parameters
    ----------
    photo, part_map, parts, panels
        As of `viewer`.
    cells : sequence of Cell
        Of the panels.
    layout : str
    checks : Checks
        From `dashboard.trust_view.about`: the grid has no place for them.
    """
    if layout != "grid":
        marked = trust_view.marked(panels, cells, checks)
        viewer(photo, marked, part_map, parts, KEY, on_step=partial(gallery.step, KEY), in_address=True)
        return

    def opened(name: str) -> None:
        """Show the network whose small map was clicked beside the teacher."""
        found = next((cell for cell in cells[1:] if cell.name == name), None)
        for key, value in (("student", found), ("layout", "pair")):
            if value is not None:
                st.session_state[key] = kept()[key] = value
        gallery.stay()

    grid_view(photo, panels, cells, "grid", opened)
    st.caption("All maps share one scale. ρ: rank alignment with the teacher. ✓ and ✗: whether the answer is right.")


def slopes(
    parts: Sequence[str], cells: Sequence[Cell], panels: Sequence[Panel], student: Cell | None, first: int
) -> bool:
    """Draw the parts in the teacher's order and in those of the student's architecture; whether there is any order.

    Parameters
    ----------
    parts, cells, panels
        As of `draw`.
    student : Cell or None
    first : int
        Of the teacher's parts, told apart.
    """
    st.subheader("The parts, in every network's order", anchor=False)
    kin = [place for place, cell in enumerate(cells) if place and student and cell.architecture == student.architecture]
    table = one_image.rank_table([panels[place] for place in [0, *reversed(kin)]], parts)
    if not len(table):
        st.markdown(one_image.NO_RANKS)
        return False
    st.markdown("A student that looks like its teacher has no line that crosses another.")
    charts.show(
        one_image.rank_slopes(table, first=first),
        "rank_slopes",
        "The parts in the teacher's order on the left, and where each stands in the student's.",
        about=words.RANKS_ABOUT.format(first=first),
    )
    return True
