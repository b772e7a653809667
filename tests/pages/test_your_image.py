"""The page of a visitor's own photo: what it says, whom it asks, and the line in front of the networks."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.turns import Place
from dashboard import charts, live_job
from tests.hostile.photos import hostile, odd
from tests.networks import add_networks
from tests.pages.test_explanations import button, until
from tests.pages.test_pages import errors, open_page, shown, texts


def photo(seed: int = 0) -> tuple[str, bytes, str]:
    pixels = np.kron(np.random.default_rng(seed).integers(0, 255, (6, 9, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return "photo.png", content.getvalue(), "image/png"


def drop(app: AppTest, content: tuple[str, bytes, str]) -> AppTest:
    return app.file_uploader[0].set_value(content).run()


def progress(app: AppTest) -> str:
    return " ".join(bar.proto.text for bar in app.get("progress"))


def answered(app: AppTest) -> bool:
    return any(text.startswith("## The teacher answers") for text in texts(app))


def test_a_photo_is_answered_in_parts_of_either_kind(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_networks(cache / "studies" / "tiny")
    drawn: list[charts.Figure] = []
    show = charts.show
    monkeypatch.setattr(charts, "show", lambda figure, *given: (drawn.append(figure), show(figure, *given))[1])
    page = open_page("your_image", study="tiny")
    drawn.clear()  # of the first page, on the way
    app = drop(page, photo())
    until(app, lambda: answered(app))
    assert errors(app) == []
    assert any("This view can't be shared by a link" in caption.value for caption in app.caption)
    job = app.session_state[live_job.KEY]
    group = next(group for group in app.get("button_group") if group.proto.label == "Parts")
    group.set_value(4).run()
    assert errors(app) == []
    assert app.session_state[live_job.KEY] is job, "the maps are the same"
    assert drawn
    assert not any(hasattr(figure.build, "clear") for figure in drawn), "no cache keeps what is a visitor's"
    assert '"D4"' in json.dumps([chart.proto.spec for chart in app.get("vega_lite_chart")]).replace("\\", "")


def test_who_waits_is_told_how_many_are_before_and_may_leave(cache: Path) -> None:
    add_networks(cache / "studies" / "tiny")
    with Place(live_job.TURNS):
        app = drop(open_page("your_image", study="tiny"), photo())
        until(app, lambda: "1 other is before you." in progress(app), settled=False)
        another = drop(open_page("your_image", study="tiny"), photo(1))
        until(another, lambda: "2 others are before you." in progress(another), settled=False)
        button(app, "Stop").click().run()
        another.run()
        until(another, lambda: "1 other is before you." in progress(another), settled=False)
    until(another, lambda: answered(another))
    assert not answered(app)
    button(app, "Go on").click().run()
    until(app, lambda: answered(app))
    assert errors(app) == []


def test_a_photo_is_forgotten_with_its_page(cache: Path) -> None:
    add_networks(cache / "studies" / "tiny")
    with Place(live_job.TURNS):
        app = drop(open_page("your_image", study="tiny"), photo())
        until(app, lambda: "1 other is before you." in progress(app), settled=False)
        job = app.session_state[live_job.KEY]
        app.switch_page("../pages/rank.py").run()
        assert errors(app) == []
        assert job.place.stopped, "nobody looks at it any more"
        kept = (live_job.KEY, live_job.CHECKS, live_job.PHOTO, live_job.SCENE)
        assert [key for key in kept if key in app.session_state] == []


@pytest.mark.usefixtures("shared")
def test_imagenets_networks_come_with_what_they_know() -> None:
    assert not [caption for caption in open_page("your_image").caption if "1,000 everyday things" in caption.value]
    app = open_page("your_image", ask="ImageNet networks")
    assert errors(app) == []
    assert not app.warning
    assert any("None of them learned from another" in caption.value for caption in app.caption)


def test_networks_that_are_missing_are_one_sentence_and_one_may_try_again(cache: Path) -> None:
    app = drop(open_page("your_image", study="tiny"), photo())
    until(app, lambda: bool(app.error), settled=False)
    assert "There is no file" in shown(app.error[0].value)
    add_networks(cache / "studies" / "tiny")
    button(app, "Try again").click().run()
    until(app, lambda: answered(app))
    assert errors(app) == []


@pytest.mark.usefixtures("shared")
def test_what_is_no_image_is_one_sentence() -> None:
    app, files = open_page("your_image", study="tiny"), hostile()
    for name in ("HEIC", "page", "SVG with a script", "EPS, which is a program"):
        drop(app, ("photo.png", files[name], "image/png"))
        assert errors(app) == ["This file is not an image that can be opened (JPEG, PNG, WebP, BMP, GIF or TIFF)."]
        assert live_job.KEY not in app.session_state
    drop(app, ("photo.png", files["PNG cut at 60%"], "image/png"))
    assert errors(app) == ["This file cannot be read to its end: it is damaged, or takes more memory than a photo may."]


@pytest.mark.parametrize("name", ["1 × 1 PNG", "30,000 × 1 PNG"])
def test_a_photo_of_any_shape_is_answered(cache: Path, name: str) -> None:
    add_networks(cache / "studies" / "tiny")
    app = drop(open_page("your_image", study="tiny"), ("photo.png", odd()[name], "image/png"))
    until(app, lambda: answered(app))
    assert errors(app) == []
