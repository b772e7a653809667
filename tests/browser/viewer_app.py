"""A page with nothing but the viewer, on maps that are known: what its tests look at.

The address chooses: `panels` (how many networks), `view`, `unsigned` (maps without signs), `still` (there
is no next image) and `quiet` (the page does not ask for the view).
"""

import numpy as np
import streamlit as st

from dashboard.viewer import Panel, viewer

SIDE = 32
ACROSS, DOWN = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
PARTS = ["left wing", "right wing", "tail"]


def blob(column: float, row: float, height: float) -> np.ndarray:
    """Return a round hill."""
    return height * np.exp(-((ACROSS - column) ** 2 + (DOWN - row) ** 2) / 32)


def relevance(number: int, image: int, signed: bool) -> np.ndarray:
    """Return the teacher's map (0): a hill on the left, a pit at the bottom; a student's: fainter, on the right."""
    hill = blob(8 + image, 12, 1.0) if number == 0 else blob(24, 12, 0.25)
    return hill - (0.5 if signed else -0.5) * blob(16, 26, 1.0)


def part_map() -> np.ndarray:
    """Return two wings side by side and the tail below them; a strip on top is none."""
    parts = np.where(ACROSS < SIDE // 2, 1, 2)
    parts[DOWN >= 22] = 3
    parts[DOWN < 2] = 0
    return parts.astype(np.uint8)


def panels(count: int, image: int, signed: bool) -> list[Panel]:
    """Return that many networks, the teacher first."""
    found = []
    for number in range(count):
        importance = np.array([0.3, 0.1, 0.2]) if number == 0 else np.array([0.1, 0.3, 0.2])
        found.append(
            Panel(
                cell=f"network{number}",
                title="ResNet101" if number == 0 else "ResNet18",
                kind="the teacher" if number == 0 else f"distilled, number {number}",
                short=f"network {number}",
                relevance=relevance(number, image, signed),
                says="<b>wren</b>, 87%",
                right=number != 1,
                alignment=float("nan") if number == 0 else 0.5,
                importance=importance,
                trust="partly" if number == 1 else "",
                trusted="some checks fail" if number == 1 else "",
                why="Deletion fails." if number == 1 else "",
            )
        )
    return found


def photo(image: int) -> np.ndarray:
    """Return a grid of colours that no map has."""
    return np.stack([60 + 4 * ACROSS, 200 - 3 * DOWN, 90 + 40 * (image % 3) + 0 * DOWN], axis=2).astype(np.uint8)


def _step() -> None:
    st.session_state["image"] = st.session_state.get("image", 0) + st.session_state["viewer"].step


def _view() -> None:
    st.session_state["told"] = st.session_state.get("told", 0) + 1
    if text := st.session_state["viewer"].view:
        st.query_params["view"] = text
    else:
        del st.query_params["view"]


def main() -> None:
    """Draw the page."""
    asked = st.query_params
    image = st.session_state.get("image", 0)
    st.text(f"image {image}, told {st.session_state.get('told', 0)} times")
    viewer(
        photo(image),
        panels(int(asked.get("panels", 3)), image, "unsigned" not in asked),
        part_map(),
        PARTS,
        key="viewer",
        on_step=None if "still" in asked else _step,
        on_view=None if "quiet" in asked else _view,
        view=asked.get("view", ""),
    )


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    main()
