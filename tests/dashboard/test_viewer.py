import base64
import json
from pathlib import Path

import numpy as np
import pytest

from core.overlay import levels, shared_scale
from dashboard.viewer import ALIKE, FOLDER, STUDENT_MORE, TEACHER_MORE, Panel, difference_colours, payload, ranks

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 255, (16, 16, 3)).astype(np.uint8)
PARTS = ["beak", "<b>tail</b>", "leg"]
PART_MAP = (np.arange(16 * 16).reshape(16, 16) % 4).astype(np.uint8)


def panel(relevance, **options):
    values = {
        "cell": "resnet18-a0.1-s0",
        "title": "ResNet18",
        "kind": "distilled, α = 0.1",
        "short": "ResNet18, α = 0.1",
        "says": "<img src=x onerror=alert(1)>, 87%",
        "right": True,
        "alignment": 0.5,
        "importance": np.array([0.2, np.nan, 0.1]),
    }
    return Panel(relevance=relevance, **{**values, **options})


def data(*panels, photo=PHOTO, part_map=PART_MAP):
    return payload(photo, panels, part_map, PARTS)


def decoded(text):
    return np.frombuffer(base64.b64decode(text), np.uint8)


def test_the_browser_gets_plain_json_without_nan():
    flat = panel(np.zeros((8, 8)), alignment=np.nan, importance=np.full(3, np.nan), right=None)
    text = json.dumps(data(panel(RNG.normal(size=(8, 8))), flat), allow_nan=False)
    assert "ρ undefined" in json.loads(text)["panels"][1]["agreement"]


def test_all_maps_are_on_one_scale():
    faint, strong = 0.1 * RNG.random((8, 8)), RNG.random((8, 8))
    sent = data(panel(faint), panel(-strong))["panels"]
    scale = shared_scale([faint, strong])
    assert np.array_equal(decoded(sent[0]["levels"]), levels(faint, scale).ravel())
    assert np.array_equal(decoded(sent[1]["levels"]), levels(strong, scale).ravel())
    assert decoded(sent[0]["levels"]).max() < 40


def test_a_flat_map_has_no_signal():
    sent = data(panel(np.ones((8, 8))), panel(np.zeros((8, 8))))["panels"]
    assert [each["signal"] for each in sent] == [True, False]
    assert not decoded(sent[1]["levels"]).any()


def test_the_teacher_is_the_first_and_is_compared_with_nobody():
    sent = data(panel(np.ones((8, 8))), panel(np.ones((8, 8))))["panels"]
    assert [each["teacher"] for each in sent] == [True, False]
    assert sent[0]["agreement"] == ""
    assert sent[1]["agreement"] == "ρ = 0.50 with the teacher"


@pytest.mark.parametrize(("right", "verdict"), [(True, "right"), (False, "wrong"), (None, "")])
def test_the_verdict_is_a_word(right, verdict):
    assert data(panel(np.ones((8, 8)), right=right))["panels"][0]["verdict"] == verdict


def test_ranks_begin_at_one_share_the_best_and_skip_what_is_out_of_sight():
    assert ranks(np.array([0.1, np.nan, 0.4, 0.4, 0.2])) == [4, None, 1, 1, 3]
    assert ranks(np.full(2, np.nan)) == [None, None]
    assert ranks(np.array([0.0, np.nan, 0.0])) == [None] * 3, "a map without signal ranks nothing"
    assert ranks(np.array([0.5, np.nan])) == [1, None]


def test_the_version_follows_the_data():
    same = data(panel(np.eye(8)))["version"], data(panel(np.eye(8)))["version"]
    assert same[0] == same[1]
    assert data(panel(np.eye(8)[::-1]))["version"] != same[0]


def test_without_a_photo_or_parts_the_maps_stand_alone():
    sent = data(panel(np.eye(8)), photo=None, part_map=None)
    assert sent["photo"] is None
    assert sent["part_map"] is None
    assert len(decoded(sent["panels"][0]["levels"])) == 64


def test_small_photos_lose_nothing():
    import io

    from PIL import Image

    sent = data(panel(np.eye(8)))["photo"]
    image = Image.open(io.BytesIO(base64.b64decode(sent.split(",")[1])))
    assert np.array_equal(np.array(image.convert("RGB")), PHOTO)


def test_difference_colours_run_from_teacher_to_student():
    table = difference_colours()
    assert tuple(table[0]) == TEACHER_MORE
    assert tuple(table[255]) == STUDENT_MORE
    assert np.abs(table[127].astype(int) - ALIKE).max() <= 2


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_scripts_set_text_as_text_and_stay_at_home(path: Path):
    script = path.read_text(encoding="utf-8")
    assert not any(way in script for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("))
    assert not any(way in script for way in ("http:", "https:", "fetch(", "XMLHttpRequest", "import "))
