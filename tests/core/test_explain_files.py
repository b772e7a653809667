import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from core.ask import Ask
from core.data.photos import square
from core.errors import UserError
from core.explain_files import SIDE, explain_files
from core.live import explain_image, scene_of, settled
from core.methods import METHODS
from core.overlay import OPACITY, overlay, shared_scale
from core.study import Study

BOTH = ["saliency", "integrated_gradients"]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    Image.fromarray(np.kron(pixels, np.ones((10, 10, 1), np.uint8))).save(tmp_path / "bird.png")
    return tmp_path / "bird.png"


def test_what_is_drawn_is_what_the_networks_say(ran: Study, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lines = list(explain_files(ran, [picture], ran.cells, BOTH, Ask(), out))
    scene = scene_of(ran, np.array(Image.open(picture)))
    results = settled(explain_image(ran, scene, ran.cells, BOTH, Ask()), ran.teacher)
    told = json.loads((out / "explanations.json").read_text())["images"]["bird"]
    assert told["file"] == "bird.png"
    large = square(np.array(Image.open(picture)), SIDE)
    for method in BOTH:
        of_method = [result for result in results if result.method == method]
        scale = shared_scale(result.map for result in of_method)
        for result in of_method:
            want = overlay(large, result.map, OPACITY, scale)
            got = cv2.cvtColor(cv2.imread(str(out / "bird" / method / f"{result.cell.name}.png")), cv2.COLOR_BGR2RGB)
            assert np.abs(got.astype(int) - want).max() <= 2, "red is red, and one scale serves all"
            entry = next(e for e in told["results"] if (e["cell"], e["method"]) == (result.cell.name, method))
            assert entry["predicted"] == ran.dataset.classes[result.predicted]
            assert entry["probability"] == pytest.approx(result.probability, abs=1e-5)
            gap = entry["completeness_gap"]
            assert (gap is None) == (not METHODS[method].signed)
    for cell in ran.cells:
        assert sum(cell.name in line for line in lines) == len(BOTH)
    assert str(out) in lines[-1]


def test_further_methods_are_drawn_when_asked(ran: Study, picture: Path, tmp_path: Path) -> None:
    out, asked = tmp_path / "out", ["smoothgrad", "input_x_gradient", "grad_cam"]
    list(explain_files(ran, [picture], [ran.teacher], asked, Ask(), out))
    told = json.loads((out / "explanations.json").read_text())["images"]["bird"]["results"]
    assert [entry["method"] for entry in told] == asked
    assert all((out / "bird" / f"{method}.png").exists() for method in asked)


def test_the_line_says_how_alike_and_the_teacher_is_the_teacher(ran: Study, picture: Path, tmp_path: Path) -> None:
    lines = list(explain_files(ran, [picture], ran.cells, ["saliency"], Ask("own"), tmp_path / "out"))
    (teachers,) = [line for line in lines if ran.teacher.name in line]
    assert "the teacher" in teachers
    results = json.loads((tmp_path / "out" / "explanations.json").read_text())["images"]["bird"]["results"]
    for entry in results[1:]:
        line = next(line for line in lines if entry["cell"] in line)
        assert f"ρ = {entry['rank_alignment']:.2f}" in line or entry["rank_alignment"] is None
        assert entry["explained"] == entry["predicted"], "each its own class"


def test_many_images_are_kept_as_they_come(ran: Study, picture: Path, tmp_path: Path) -> None:
    """Whoever stops half-way has what was finished."""
    steps = explain_files(ran, [picture, picture], ran.cells[:1], ["saliency"], Ask(), tmp_path / "out")
    for line in steps:
        if "bird.png" in line and (tmp_path / "out" / "explanations.json").exists():
            break
    steps.close()
    told = json.loads((tmp_path / "out" / "explanations.json").read_text())
    assert list(told["images"]) == ["bird"]


@pytest.mark.parametrize("name", ["...jpg", "....png"])
def test_no_name_of_a_file_leads_outside(name: str, ran: Study, picture: Path, tmp_path: Path) -> None:
    odd = tmp_path / "in" / name
    odd.parent.mkdir()
    odd.write_bytes(picture.read_bytes())
    out = tmp_path / "deep" / "out"
    list(explain_files(ran, [odd], ran.cells[:1], ["saliency"], Ask(), out))
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert len(list(out.rglob("*.png"))) == 2


def test_nothing_but_failures_writes_nothing(ran: Study, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("x")
    with pytest.raises(UserError, match=r"a\.jpg is not an image.* no file .*b\.jpg"):
        list(explain_files(ran, [tmp_path / "a.jpg", tmp_path / "b.jpg"], ran.cells, BOTH, Ask(), tmp_path / "out"))
    assert not (tmp_path / "out").exists()
