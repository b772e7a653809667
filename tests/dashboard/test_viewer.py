import base64
import json
from pathlib import Path

import numpy as np
import pytest

from core.overlay import colours, contours, shared_scale
from dashboard.viewer import (
    AGAINST,
    FOLDER,
    FOR,
    PALE,
    SCRIPTS,
    SHARES,
    STUDENT_MORE,
    TEACHER_MORE,
    Panel,
    payload,
    ranks,
    two_sided,
    viewer,
)
from tests.colour_vision import KINDS, lab, seen

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


def decoded(text, kind="<i2"):
    return np.frombuffer(base64.b64decode(text), kind)


def test_the_browser_gets_plain_json_without_nan():
    flat = panel(np.zeros((8, 8)), alignment=np.nan, importance=np.full(3, np.nan), right=None)
    text = json.dumps(data(panel(RNG.normal(size=(8, 8))), flat), allow_nan=False)
    assert "ρ undefined" in json.loads(text)["panels"][1]["agreement"]


def test_the_browser_can_draw_on_the_shared_scale_and_on_each_maps_own():
    faint, strong = 0.01 * RNG.random((8, 8)), RNG.normal(size=(8, 8))
    sent = data(panel(faint), panel(strong))
    for each, relevance in zip(sent["panels"], (faint, strong), strict=True):
        values = decoded(each["values"]).reshape(8, 8)
        for scale, full in ((sent["scale"], shared_scale([faint, strong])), (each["scale"], shared_scale([relevance]))):
            assert values / scale == pytest.approx(np.clip(relevance / full, -1e9, 32767 / scale), abs=0.51 / scale)
    assert sent["panels"][0]["scale"] > 100, "a faint map has levels enough on its own scale"


def test_what_is_no_number_is_nothing_and_the_infinite_is_the_most():
    relevance = np.array([[np.nan, np.inf], [-np.inf, 1.0]])
    sent = data(panel(relevance))
    assert decoded(sent["panels"][0]["values"]).tolist() == [0, 32767, -32767, 32767]


def test_signs_are_told_only_where_there_are_some():
    assert data(panel(np.eye(8)), panel(-np.eye(8)))["signed"]
    assert not data(panel(np.eye(8)), panel(np.zeros((8, 8))))["signed"]


def test_a_flat_map_has_no_signal():
    sent = data(panel(np.ones((8, 8))), panel(np.zeros((8, 8))))["panels"]
    assert [each["signal"] for each in sent] == [True, False]
    assert [each["scale"] > 0 for each in sent] == [True, False]
    assert not decoded(sent[1]["values"]).any()


def test_maps_of_several_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        data(panel(np.eye(8)), panel(np.eye(4)))


def test_the_contours_are_the_teachers():
    teacher, student = RNG.random((16, 16)), RNG.random((16, 16))
    sent = [decoded(line, "<u2").reshape(-1, 2) / 65535 for line in data(panel(teacher), panel(student))["contours"]]
    lines = [line for share in SHARES for line in contours(teacher, share)]
    assert len(sent) == len(lines)
    assert all(one == pytest.approx(other, abs=1e-5) for one, other in zip(sent, lines, strict=True))


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
    assert len(decoded(sent["panels"][0]["values"])) == 64


def test_the_page_is_told_only_what_it_asks_for(monkeypatch):
    calls = []
    monkeypatch.setattr("dashboard.viewer._component", lambda: lambda **options: calls.append(options))
    viewer(PHOTO, [panel(np.eye(8))], PART_MAP, PARTS, key="a")
    viewer(PHOTO, [panel(np.eye(8))], PART_MAP, PARTS, key="b", on_step=print, on_view=repr, view="zoom.200")
    quiet, asking = calls
    assert set(quiet) == {"data", "key"}
    assert [quiet["data"][name] for name in ("steps", "tell", "view")] == [False, False, ""]
    assert (asking["on_step_change"], asking["on_view_change"]) == (print, repr)
    assert [asking["data"][name] for name in ("steps", "tell", "view")] == [True, True, "zoom.200"]
    assert quiet["data"]["version"] == asking["data"]["version"], "the same pictures are not drawn anew"


def test_small_photos_lose_nothing():
    import io

    from PIL import Image

    sent = data(panel(np.eye(8)))["photo"]
    image = Image.open(io.BytesIO(base64.b64decode(sent.split(",")[1])))
    assert np.array_equal(np.array(image.convert("RGB")), PHOTO)


@pytest.mark.parametrize(("low", "high"), [(TEACHER_MORE, STUDENT_MORE), (AGAINST, FOR)])
def test_two_sided_colours_are_pale_at_nothing(low, high):
    table = two_sided(low, high)
    assert tuple(table[0]) == low
    assert tuple(table[255]) == high
    assert np.abs(table[127:129].astype(int) - PALE).max() <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_more_is_brighter_with_every_kind_of_colour_vision(kind):
    assert (np.diff(lab(seen(colours(), kind))[:, 0]) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("low", "high"), [(TEACHER_MORE, STUDENT_MORE), (AGAINST, FOR)])
def test_two_sides_are_told_apart_with_every_kind_of_colour_vision(kind, low, high):
    table = lab(seen(two_sided(low, high), kind))
    lightness = table[:, 0]
    # Every fourth, as single steps of 8-bit colours are rounded.
    assert (np.diff(lightness[:128:4]) > 0).all()
    assert (np.diff(lightness[128::4]) < 0).all()
    # 2.3 is a difference that is just noticed; from half the way out there are ten of it.
    apart = np.linalg.norm(table[:64] - table[:191:-1], axis=1)
    assert apart.min() > 23


def test_every_script_is_sent():
    assert {path.name for path in FOLDER.glob("*.js")} == {*SCRIPTS, "strip.js", "grid.js", "steps.js"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_scripts_set_text_as_text_and_stay_at_home(path: Path):
    script = path.read_text(encoding="utf-8")
    assert not any(way in script for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("))
    assert not any(way in script for way in ("http:", "https:", "fetch(", "XMLHttpRequest", "import "))
