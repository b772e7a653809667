"""The grid of small maps: every network in its row and column, on one scale."""

import base64
import io
import json

import numpy as np
from PIL import Image

from core.cells import Cell
from dashboard import grid_view
from dashboard.viewer import Panel

TEACHER = Cell("resnet34", 1.0, 0)
CELLS = [TEACHER, Cell("resnet18", 1.0, 0), Cell("resnet34", 0.1, 0), Cell("resnet50", None, None, "<b>mine</b>")]


def panel(cell: Cell, strength: float = 1.0) -> Panel:
    relevance = strength * np.random.default_rng(0).random((8, 8))
    return Panel(cell.name, "", "", "", relevance, "Wren, 87%", cell != TEACHER, 0.5, np.zeros(3))


def test_every_network_has_its_place_and_what_is_missing_has_none() -> None:
    found = grid_view.layout([panel(cell) for cell in CELLS], CELLS)
    assert found["columns"] == ["ResNet34", "ResNet18"]
    names = [(row["name"], [cell and cell["cell"] for cell in row["cells"]]) for row in found["rows"]]
    assert names == [
        ("α = 1.0", [TEACHER.name, "resnet18-a1.0-s0"]),
        ("α = 0.1", ["resnet34-a0.1-s0", None]),
        ("imported", ["<b>mine</b>", None]),
    ]
    assert [cell["teacher"] for row in found["rows"] for cell in row["cells"] if cell].count(True) == 1
    assert found["rows"][0]["cells"][0]["text"] == "the teacher ✗"
    assert found["rows"][0]["cells"][1]["text"] == "ρ = 0.50 ✓"
    json.dumps(found, allow_nan=False)


def test_small_maps_share_one_scale() -> None:
    sheet = grid_view._sheet(None, [panel(TEACHER, 0.01).relevance, panel(CELLS[1]).relevance])
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.split(",")[1]))).convert("RGB")).astype(int)
    assert picture.shape == (grid_view.SIDE, 2 * grid_view.SIDE, 3)
    # Not to their edges, where the picture's compression mixes the colours of neighbours.
    faint, strong = picture[:, : grid_view.SIDE - 16], picture[:, grid_view.SIDE + 16 :]
    assert np.abs(faint - grid_view.GREY).max() < 25
    assert np.abs(strong - grid_view.GREY).max() > 100
