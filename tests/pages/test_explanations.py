"""The Explanations page: its first sentence, its filters, its address."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.store import read_arrays, read_table, write_arrays, write_table
from core.trust import CHECKS
from tests.networks import add_networks
from tests.pages.test_pages import errors, headline, open_page, texts


def shown(app: AppTest) -> str:
    if "image" not in app.query_params:  # the gallery's first
        return str(app.session_state["kept"]["image"])
    image = app.query_params["image"]
    return image if isinstance(image, str) else image[0]


@pytest.mark.usefixtures("shared")
def test_the_sentence_is_about_this_image() -> None:
    app = open_page("explanations", study="tiny")
    assert headline(app).startswith("## On this image ResNet18 distilled at α = 0.1 ranks the parts like the teacher")
    assert any("speaks to the teacher's answer" in text for text in texts(app))


def test_another_image_has_other_numbers(shared: Path) -> None:
    said = {headline(open_page("explanations", study="tiny", image=str(image))) for image in read_kept(shared)}
    assert len(said) > 1


def read_kept(cache: Path) -> list[int]:
    table = read_table(cache / "studies" / "tiny" / "images.parquet")
    return [int(image) for image in table.loc[table["kept"], "id"]]


def test_the_class_filter_leaves_its_class(shared: Path) -> None:
    app = open_page("explanations", study="tiny")
    names = app.selectbox(key="of_class").options[1:]
    for name in names:
        app.selectbox(key="of_class").set_value(name).run()
        assert errors(app) == []
        assert any(f"on this image of a **{name}**" in text.replace("\\", "") for text in texts(app))
        assert int(shown(app)) in read_kept(shared)


@pytest.mark.usefixtures("shared")
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


@pytest.mark.usefixtures("shared")
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


def test_a_method_that_there_is_not_is_told(shared: Path) -> None:
    app = open_page("explanations", study="tiny", other_method="Guided backprop")
    assert errors(app) == []
    assert any("called 'Guided backprop'" in shown_text.value for shown_text in app.warning)


@pytest.mark.parametrize("query", [{}, {"baseline": "Black"}], ids=["kept maps", "live maps"])
def test_maps_are_checked_when_asked(query: dict[str, str], cache: Path) -> None:
    add_networks(cache / "studies" / "tiny")
    maps = 3  # those on show: the teacher, the student, and that without distillation
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
    later = open_page("explanations", study="tiny", **query)
    until(later, lambda: any(f"Of the {maps} maps checked" in text for text in texts(later)))
    assert not any(button.label.startswith("Check ") for button in later.button), "what was found is kept"


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


def other_answers(cache: Path) -> str:
    """Make the student and the teacher differ on one image of the gallery; return another, on which they agree."""
    (first, second, *_) = read_kept(cache)
    path = cache / "studies" / "tiny" / "logits" / "resnet18-a0.1-s0.safetensors"
    arrays, teacher = (read_arrays(each) for each in (path, path.with_name("resnet34-a1.0-s0.safetensors")))
    for image, sign in ((first, -1), (second, 1)):
        at = list(arrays["ids"]).index(image)
        arrays["logits"][at] = sign * teacher["logits"][at]
    write_arrays(path, arrays)
    return str(second)


def test_a_link_to_an_image_opens_it_whatever_was_filtered_before(cache: Path) -> None:
    image = other_answers(cache)
    app = open_page("explanations", study="tiny")
    app.selectbox(key="who").set_value("disagree").run()
    assert shown(app) != image
    app.switch_page("../pages/rank.py").run()
    app.query_params["image"] = image
    app.switch_page("../pages/explanations.py").run()
    assert errors(app) == []
    assert shown(app) == image
    assert app.selectbox(key="who").value == "all"


def test_an_image_that_the_filters_leave_out_is_shown_and_said_to_be(cache: Path) -> None:
    image = other_answers(cache)
    app = open_page("explanations", study="tiny", image=image, who="Student and teacher disagree")
    assert shown(app) == image
    assert any("leave this image out" in info.value for info in app.info)
    app.run()
    assert shown(app) == image, "as long as nothing else is asked for"
    button(app, "Show all images").click().run()
    assert shown(app) == image
    assert app.selectbox(key="who").value == "all"
    assert not any("leave this image out" in info.value for info in app.info)
    app.selectbox(key="who").set_value("disagree").run()
    assert shown(app) != image, "who filters wants to see what is left"


@pytest.mark.usefixtures("shared")
def test_a_click_while_a_page_is_drawn_takes_no_switchs_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the run that draws the page, and the next one draws the switches that were left."""
    app = open_page("rank", study="tiny", rank_importance="In total")
    app.switch_page("../pages/focus.py").run()
    with monkeypatch.context() as patch:
        patch.setattr("dashboard.frame.begin", lambda *args, **options: st.stop())
        app.switch_page("../pages/rank.py").run()
    app.run()
    assert errors(app) == []
    assert any("Exploratory: importance in total" in text for text in texts(app))


@pytest.mark.usefixtures("shared")
def test_every_networks_tables_are_made_when_they_are_opened() -> None:
    app = open_page("explanations", study="tiny")
    assert not any("Rank alignment, per pixel" in frame.value for frame in app.dataframe)
    charts = len(app.get("vega_lite_chart"))
    app.session_state["every measure"] = app.session_state["every rank"] = True
    app.run()
    assert errors(app) == []
    (table,) = [frame.value for frame in app.dataframe if "Rank alignment, per pixel" in frame.value]
    assert len(table) == 4
    assert len(app.get("vega_lite_chart")) == charts + 1


def test_maps_made_anew_are_laid_out_as_kept_ones(cache: Path) -> None:
    add_networks(cache / "studies" / "tiny")
    app = open_page("explanations", study="tiny", baseline="Black", layout="The whole grid")
    until(app, lambda: any("Computed for this choice" in caption.value for caption in app.caption))
    assert errors(app) == []
    assert any("✓ and ✗" in caption.value for caption in app.caption), "the grid"
    assert any("no line that crosses" in text for text in texts(app)), "the slopes"
    assert not any(button.label == "Check these maps" for button in app.button)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("key", ["baseline", "score", "target", "who", "method", "architectures", "alphas", "image"])
def test_an_empty_value_in_the_address_asks_for_nothing(key: str) -> None:
    usual, app = open_page("explanations", study="tiny"), open_page("explanations", study="tiny", **{key: ""})
    assert errors(app) == []
    assert not app.warning
    assert headline(app) == headline(usual)
    assert [info.value for info in app.info] == [info.value for info in usual.info]
    assert errors(app.run()) == []
