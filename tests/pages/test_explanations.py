"""The Explanations page: its first sentence, its filters, its address."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.store import read_table, write_table
from core.trust import CHECKS
from tests.networks import add_networks
from tests.pages.test_pages import errors, headline, open_page, texts


def shown(app: AppTest) -> str:
    if "image" not in app.query_params:  # the gallery's first
        return str(app.session_state["kept"]["image"])
    image = app.query_params["image"]
    return image if isinstance(image, str) else image[0]


@pytest.mark.usefixtures("cache")
def test_the_sentence_is_about_this_image() -> None:
    app = open_page("explanations", study="tiny")
    assert headline(app).startswith("## On this image ResNet18 distilled at α = 0.1 ranks the parts like the teacher")
    assert any("speaks to the teacher's answer" in text for text in texts(app))


def test_another_image_has_other_numbers(cache: Path) -> None:
    said = {headline(open_page("explanations", study="tiny", image=str(image))) for image in read_kept(cache)}
    assert len(said) > 1


def read_kept(cache: Path) -> list[int]:
    table = read_table(cache / "studies" / "tiny" / "images.parquet")
    return [int(image) for image in table.loc[table["kept"], "id"]]


def test_the_class_filter_leaves_its_class(cache: Path) -> None:
    app = open_page("explanations", study="tiny")
    names = app.selectbox(key="gallery_class").options[1:]
    for name in names:
        app.selectbox(key="gallery_class").set_value(name).run()
        assert errors(app) == []
        assert any(f"on this image of a **{name}**" in text.replace("\\", "") for text in texts(app))
        assert int(shown(app)) in read_kept(cache)


@pytest.mark.usefixtures("cache")
def test_an_image_without_maps_is_told_and_replaced() -> None:
    app = open_page("explanations", study="tiny", image="0")
    assert errors(app) == []
    assert any("No maps of that image were kept" in info.value for info in app.info)
    assert shown(app) != "0"


def test_a_study_without_a_gallery_says_so(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "images.parquet"
    write_table(path, read_table(path).assign(kept=False))
    app = open_page("explanations", study="tiny")
    assert errors(app) == []
    assert any("kept no maps" in info.value for info in app.info)


def test_names_of_classes_are_never_markup(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "![x](http://example.org/a.png)"
    monkeypatch.setattr("dashboard.gallery.classes", lambda study: (evil,) * 4)
    app = open_page("explanations", study="tiny")
    assert errors(app) == []
    assert not any(evil in text for text in texts(app))


def test_without_the_photos_the_maps_stand_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.gallery.photo", lambda study, image: None)
    app = open_page("explanations", study="tiny")
    assert errors(app) == []
    assert any("the maps stand alone" in info.value for info in app.info)


def test_a_network_without_parts_to_rank_is_undefined_not_zero(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "measures" / "resnet18-a0.1-s0.parquet"
    table = read_table(path)
    table.loc[table["measure"] == "rank_alignment", "value"] = float("nan")
    write_table(path, table)
    assert "ρ undefined" in headline(open_page("explanations", study="tiny"))


@pytest.mark.parametrize("folder", ["maps", "logits", "importance", "measures"])
def test_a_missing_file_is_one_sentence(folder: str, cache: Path) -> None:
    for path in (cache / "studies" / "tiny" / folder).rglob("resnet18-a0.1-s0.*"):
        path.unlink()
    (said,) = errors(open_page("explanations", study="tiny"))
    assert "There is no file" in said


@pytest.mark.usefixtures("cache")
def test_another_study_starts_its_own_gallery() -> None:
    app = open_page("explanations", study="tiny")
    app.sidebar.selectbox[0].set_value("wide").run()
    assert errors(app) == []
    assert "ρ" in headline(app)
    assert shown(app).isdigit()


def test_another_baseline_is_computed_live_and_kept(cache: Path) -> None:
    """The maps of the study are from the mean colour; from black they are made while one waits."""
    add_networks(cache / "studies" / "tiny")
    app = open_page("explanations", study="tiny", baseline="Black")
    for _ in range(100):
        if any("from a black image" in text for text in texts(app)) and not app.get("progress"):
            break
        time.sleep(0.1)
        app.run()
    assert any("from a black image" in text for text in texts(app))
    assert not errors(app)
    assert (cache / "live" / "cache.db").exists()


def until(app: AppTest, there: Callable[[], bool], settled: bool = True) -> None:
    for _ in range(200):
        if there() and not (settled and app.get("progress")):
            return
        time.sleep(0.1)
        app.run()
    raise AssertionError(texts(app))


def test_a_method_that_the_study_does_not_have_is_computed_live(cache: Path) -> None:
    add_networks(cache / "studies" / "tiny")
    app = open_page("explanations", study="tiny", other_method="Grad-CAM")
    until(app, lambda: any(text.startswith("Grad-CAM: what on this image") for text in texts(app)))
    assert errors(app) == []
    assert app.main.caption[0].value.endswith("Grad-CAM")
    app.switch_page("../pages/rank.py").run()
    assert errors(app) == []
    assert not app.warning
    assert app.main.caption[0].value.endswith("Integrated gradients")
    app.switch_page("../pages/explanations.py").run()
    assert app.main.caption[0].value.endswith("Grad-CAM")


def test_a_method_that_there_is_not_is_told(cache: Path) -> None:
    app = open_page("explanations", study="tiny", other_method="Guided backprop")
    assert errors(app) == []
    assert any("There is no method called 'Guided backprop'" in shown_text.value for shown_text in app.warning)


@pytest.mark.parametrize("query", [{}, {"baseline": "Black"}], ids=["kept maps", "live maps"])
def test_maps_are_checked_when_asked(query: dict[str, str], cache: Path) -> None:
    add_networks(cache / "studies" / "tiny")
    maps = 4 if query else 3  # those on show: live maps are of every network, kept ones of teacher and student
    app = open_page("explanations", study="tiny", **query)
    until(app, lambda: any(button.label == "Check these maps" for button in app.button))
    assert not any("may be trusted" in text for text in texts(app)), "nothing is checked by itself"
    next(button for button in app.button if button.label == "Check these maps").click().run()
    until(app, lambda: any("How far these maps may be trusted" in text for text in texts(app)))
    assert errors(app) == []
    assert any(text.startswith(f"**How far these maps may be trusted.** Of the {maps} maps") for text in texts(app))
    tables = [frame.value for frame in app.dataframe if "Verdict" in frame.value]
    assert len(tables) == 1
    assert len(tables[0]) == maps
    said = " ".join(texts(app))
    assert all(f"**{check.label}** ({check.rule})" in said for check in CHECKS.values())
    assert not any(button.label == "Check these maps" for button in app.button)
    app.selectbox(key="checked network").select_index(2).run()
    assert errors(app) == []


def test_checks_that_cannot_be_made_are_one_sentence(cache: Path) -> None:
    app = open_page("explanations", study="tiny")  # its networks are not there
    next(button for button in app.button if button.label == "Check these maps").click().run()
    until(app, lambda: bool(app.error))
    assert "There is no file" in errors(app)[0]
    assert any(button.label == "Check these maps" for button in app.button)


def test_what_was_stopped_says_so_and_goes_on(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of four networks are no answer: a headline of another student would be read as one."""
    from core import live

    real, wait = live.explain_image, threading.Event()

    def slow(*args: Any, **kwargs: Any) -> Iterator[live.CellResult]:
        for count, result in enumerate(real(*args, **kwargs)):
            if count == 2:
                wait.wait(20)
            yield result

    monkeypatch.setattr(live, "explain_image", slow)
    add_networks(cache / "studies" / "tiny")
    app = open_page("explanations", study="tiny", baseline="Black")
    until(app, lambda: any("so far" in text for text in texts(app)), settled=False)
    button(app, "Stop").click().run()
    assert "networks are there so far" in headline(app)
    assert "ranks the parts" not in headline(app)
    assert button(app, "Go on")
    wait.set()
    button(app, "Go on").click().run()
    until(app, lambda: "ranks the parts" in headline(app) and not [b for b in app.button if b.label == "Stop"])
    assert not [b for b in app.button if b.label == "Go on"]
    assert not errors(app)


def button(app: AppTest, label: str) -> Any:
    (found,) = (each for each in app.button if each.label == label)
    return found


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("key", ["baseline", "score", "target", "who", "method", "architectures", "alphas", "image"])
def test_an_empty_value_in_the_address_asks_for_nothing(key: str) -> None:
    usual, app = open_page("explanations", study="tiny"), open_page("explanations", study="tiny", **{key: ""})
    assert errors(app) == []
    assert not app.warning
    assert headline(app) == headline(usual)
    assert [info.value for info in app.info] == [info.value for info in usual.info]
    assert errors(app.run()) == []
