"""The pages of studies: what is there, what is begun, and two beside each other."""

import os
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.config import Config, read_config
from core.errors import UserError
from core.run import aside, launch
from core.run.begin import begin
from core.run.status import begun, log_path, write_status
from core.store import read_table, sha256_file, write_json, write_table
from core.study import Study, cache_folder, study_names
from core.turns import Place
from dashboard import studies_add
from tests.networks import add_networks
from tests.pages.test_pages import chart_specs, errors, headline, open_page, shown, texts
from tests.tiny import tiny_config, tiny_study

FOUND = {"sentence": "About 5 s.", "bytes": 1, "more": 1, "decoded": 1}


def button(app: AppTest, label: str) -> Any:
    return next(each for each in app.button if each.label == label)


def buttons(app: AppTest) -> list[str]:
    return [each.label for each in app.button]


def markdown(app: AppTest) -> str:
    return shown(" ".join([*texts(app), *(caption.value for caption in app.caption)]))


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    monkeypatch.setattr("dashboard.warm._work", lambda: None)
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """What was begun; nothing is."""
    found: list[Config] = []
    monkeypatch.setattr(launch, "start", found.append)
    monkeypatch.setattr(aside, "expected", lambda config, place: FOUND)
    return found


def test_without_a_study_it_says_how_to_begin_one(empty: Path) -> None:
    app = open_page("studies")
    assert errors(app) == []
    assert "There is no study yet" in headline(app)
    assert "See what it would take" in buttons(app)


def make_whole(folder: Path) -> Study:
    """Give a study written by hand its networks, and the manifest that a run would have left."""
    study = add_networks(folder)
    summary = sha256_file(folder / "summary.parquet")
    write_json(folder / "manifest.json", {"files": {"summary.parquet": {"sha256": summary, "key": ""}}})
    return study


def test_every_study_is_told_how_complete_it_is(cache: Path) -> None:
    make_whole(tiny_study(cache / "studies" / "whole", name="whole"))
    (cache / "studies" / "broken").mkdir()
    (cache / "studies" / "broken" / "study.toml").write_text("name = ")
    app = open_page("studies")
    assert errors(app) == []
    assert headline(app) == "## 4 studies are here: 1 complete, 2 not finished, 1 damaged."
    assert "0 of 18 networks are trained, 18 are measured" in markdown(app)
    assert "4 of 4 networks are trained, 4 are measured" in markdown(app)
    assert "broken" in markdown(app)


def test_a_damaged_study_is_told_and_can_be_mended(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_whole(tiny_study(cache / "studies" / "whole", name="whole"))
    (study.folder / "summary.parquet").write_bytes(b"12345")
    resumed: list[str] = []
    monkeypatch.setattr(launch, "resume", resumed.append)
    app = open_page("studies")
    assert errors(app) == []
    assert "1 damaged" in headline(app)
    assert "summary.parquet is damaged; python -m core run whole makes it anew." in markdown(app)
    button(app, "Mend").click().run()
    assert resumed == ["whole"]
    (said,) = errors(open_page("rank", study="whole"))
    assert said.endswith("is damaged (it is not what was written there). python -m core run whole makes it anew.")


def test_a_run_is_followed_and_can_be_stopped_but_not_deleted(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache / "studies" / "small"
    begin(tiny_config(), folder, {})
    shutil.copytree(cache / "studies" / "tiny" / "history", folder / "history")
    status = replace(begun(os.getpid()), share=0.25, seconds=30.0, left=90.0, running={"train <b>x</b>": "epoch 1"})
    write_status(folder, status)
    stopped: list[str] = []
    over = threading.Event()

    def stop(name: str) -> None:
        stopped.append(name)
        over.wait(60)

    monkeypatch.setattr(launch, "stop", stop)
    app = open_page("studies")
    assert errors(app) == []
    assert "1 running" in headline(app)
    assert app.get("progress")[0].text == "Running, 25 %, about 1 min 30 s left"
    assert f"Process {os.getpid()}, since" in markdown(app)
    assert "train <b>x</b>: epoch 1" in markdown(app)
    assert chart_specs(app) == 2, "loss and accuracy"
    assert "delete small" not in [each.key for each in app.button]
    button(app, "Stop").click().run()
    assert "Stopping …" in buttons(app)
    over.set()
    write_status(folder, replace(status, ended="stopped"))
    app.run()
    assert "1 stopped" in headline(app)
    assert stopped == ["small"]


def test_a_run_that_was_killed_says_its_last_line_and_is_gone_on_with(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cache / "studies" / "small"
    begin(tiny_config(), folder, {})
    write_status(folder, replace(begun(os.getpid()), stamp="before the power cut"))
    log_path(folder).write_text("MemoryError: *none*\n")
    resumed: list[str] = []
    monkeypatch.setattr(launch, "resume", resumed.append)
    app = open_page("studies")
    assert "1 interrupted" in headline(app)
    assert "Last it wrote: MemoryError: *none*" in markdown(app)
    app.button("resume small").click().run()
    assert resumed == ["small"]


def test_a_refusal_is_shown(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise UserError("being run already, by process 7")

    monkeypatch.setattr(launch, "resume", refuse)
    app = open_page("studies")
    app.button("resume tiny").click().run()
    assert errors(app) == ["being run already, by process 7"]


@pytest.mark.parametrize("chosen", ["tiny", "wide"])
def test_it_is_deleted_only_when_its_name_is_typed(cache: Path, chosen: str) -> None:
    app = open_page("studies", study=chosen)
    assert app.button("delete wide").disabled
    app.text_input("typed wide").set_value("tiny").run()
    assert app.button("delete wide").disabled
    assert "That is not its name." in markdown(app)
    app.text_input("typed wide").set_value("wide").run()
    app.button("delete wide").click().run()
    assert errors(app) == []
    assert study_names() == ["tiny"]
    assert headline(app) == "## One study is here; it is not finished."
    assert [each.value for each in app.warning] == []
    assert app.sidebar.selectbox[0].value == "tiny"


def test_the_shipped_study_has_no_button_to_delete_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "SHIPPED", (cache / "studies" / "tiny").resolve())
    app = open_page("studies")
    keys = [each.key for each in app.button]
    assert "delete wide" in keys
    assert "delete tiny" not in keys
    assert "git restore" in markdown(app)


@pytest.mark.usefixtures("shared")
def test_a_preset_is_begun_after_its_price_was_shown(started: list[Config]) -> None:
    app = open_page("studies")
    assert "Two CPU cores: about" in markdown(app)
    assert "Begin the study quick" not in buttons(app)
    button(app, "See what it would take").click().run()
    assert "About 5 s." in markdown(app)
    button(app, "Begin the study quick").click().run()
    assert started == [read_config("quick")]
    assert errors(app) == []


@pytest.mark.usefixtures("shared")
def test_a_study_that_cannot_be_run_has_no_button_to_begin_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(config: Config, place: Place) -> dict[str, Any]:
        raise UserError("There is no folder /nowhere.")

    monkeypatch.setattr(aside, "expected", refuse)
    app = open_page("studies")
    button(app, "See what it would take").click().run()
    assert errors(app) == ["There is no folder /nowhere."]
    assert not any(label.startswith("Begin") for label in buttons(app))


@pytest.mark.usefixtures("shared")
def test_a_form_is_checked_as_it_is_filled_in(started: list[Config]) -> None:
    app = open_page("studies", begin="Settings of your own")
    assert errors(app) == []
    assert "See what it would take" not in buttons(app), "it has no name yet"
    app.text_input("form name").set_value("flowers").run()
    assert errors(app) == []
    app.number_input("form epochs").set_value(0).run()
    said = errors(app)
    assert said == ["These settings: Passes over the images: input should be greater than or equal to 1 (found 0)"]
    assert "See what it would take" not in buttons(app)
    app.number_input("form epochs").set_value(3).run()
    app.text_input("form alphas").set_value("1, half").run()
    assert "These settings: α, weight of the labels: input should be a valid number (found 'half')" in errors(app)[0]
    app.text_input("form alphas").set_value("1.0, 0.25").run()
    app.number_input("form size True").set_value(100_000).run()
    assert "Pixels a side: input should be less than or equal to 1024 (found 100000)" in errors(app)[0]
    app.number_input("form size True").set_value(48).run()
    app.number_input("form train_images").set_value(3).run()
    assert "Images to learn from: at least one image of every class is needed (found 3 of 6" in errors(app)[0]
    app.number_input("form train_images").set_value(24).run()
    app.text_area("form more").set_value("training.epoch = 4").run()
    assert "unknown key training.epoch" in errors(app)[0]
    app.text_area("form more").set_value("training.weight_decay = 0.25\n[keep]\nmaps = 7").run()
    assert errors(app) == []
    button(app, "See what it would take").click().run()
    button(app, "Begin the study flowers").click().run()
    config = started[0]
    assert (config.name, config.training.epochs, config.training.weight_decay) == ("flowers", 3, 0.25)
    assert (config.students.alphas, config.students.seeds, config.keep.maps) == ([1.0, 0.25], [0], 7)


@pytest.mark.usefixtures("cache")
def test_the_name_of_a_study_just_begun_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "start", lambda config: begin(config, cache_folder() / "studies" / config.name, {}))
    monkeypatch.setattr(aside, "expected", lambda config, place: FOUND)
    app = open_page("studies", begin="Settings of your own")
    app.number_input("form epochs").set_value(3).run()
    app.text_input("form name").set_value("flowers").run()
    button(app, "See what it would take").click().run()
    button(app, "Begin the study flowers").click().run()
    assert "flowers" in study_names()
    assert errors(app) == []
    assert app.text_input("form name").value == "", "the next one takes another"
    assert app.number_input("form epochs").value == 3
    app.text_input("form name").set_value("flowers").run()
    assert "Name: there is a study or a preset called 'flowers' already" in errors(app)[0]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tiny", "a study or a preset called 'tiny'"),
        ("Quick", "a study or a preset called 'Quick'"),
        ("../up", "Name: letters, digits"),
        ("a b", "Name: letters, digits"),
        ("/etc", "Name: letters, digits"),
        ("x" * 65, "Name: letters, digits"),
    ],
)
def test_a_name_that_is_taken_or_no_name_is_refused(name: str, said: str) -> None:
    app = open_page("studies", begin="Settings of your own")
    app.text_input("form name").set_value(name).run()
    assert said in errors(app)[0]
    assert not any(label.startswith(("Begin", "See")) for label in buttons(app))


@pytest.mark.usefixtures("shared")
def test_a_folder_is_a_whole_path_on_the_servers_machine() -> None:
    app = open_page("studies", begin="Settings of your own")
    app.text_input("form name").set_value("flowers")
    next(each for each in app.get("button_group") if each.key == "form dataset").set_value("folder").run()
    assert "Where they lie: the dataset 'folder' needs the folder it lies in" in errors(app)[0]
    app.text_input("form root").set_value("photos").run()
    assert "Where they lie: give the whole path" in errors(app)[0]
    app.text_input("form root").set_value("/data/photos").run()
    assert errors(app) == []
    assert "It runs on the computer that serves this page" in markdown(app)


def test_a_checkpoint_goes_into_the_study_that_was_chosen(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    width = make_whole(cache / "studies" / "tiny").config.students.width
    added: list[tuple] = []
    forgotten: list[str] = []
    monkeypatch.setattr(aside, "add", lambda *given: added.append(given))
    monkeypatch.setattr(studies_add, "_forget", lambda weights: forgotten.append(weights.name))
    app = open_page("studies")
    assert "in this order: " in markdown(app)
    assert "checked against the architecture before anything is kept" in markdown(app)
    app.text_input("called").set_value("mine")
    app.file_uploader[0].set_value(("own.PTH", b"weights", "application/octet-stream")).run()
    button(app, "Bring it in").click().run()
    assert [given[:-1] for given in added] == [("tiny", "mine", "resnet101", b"weights", ".pth", width, "imagenet")]
    assert "mine is in" in shown(app.success[0].value)
    assert app.file_uploader[0].value is None, "it is not kept in the session"
    assert forgotten == ["own.PTH"]


@pytest.mark.usefixtures("shared")
def test_two_studies_are_compared() -> None:
    app = open_page("compare", study="tiny", beside="wide")
    assert errors(app) == []
    assert headline(app).startswith("## 'tiny' and 'wide' judge ")
    assert chart_specs(app) == 1
    tables = [each.value for each in app.dataframe]
    assert any({"Measure", "tiny", "wide", "Difference"} == set(table.columns) for table in tables)
    settings = next(table for table in tables if "Setting" in table)
    assert settings.set_index("Setting").loc["students.seeds"].tolist() == ["0", "0, 1, 2"]
    assert sum("-badge[" in text for text in texts(app)) >= 6, "a verdict for each"
    alone = open_page("compare", study="tiny", beside="wide", architectures="ResNet18", compared="Accuracy")
    assert errors(alone) == []


def without(folder: Path, methods: list[str], instead: list[str]) -> None:
    """Make a study one that was explained by other methods, as far as its settings and its summary tell."""
    settings, summary = folder / "study.toml", folder / "summary.parquet"
    after = ", ".join(f'"{method}"' for method in instead)
    text = re.sub(r"methods = \[.*\]", f"methods = [{after}]", settings.read_text())
    settings.write_text(text)
    table = read_table(summary)
    write_table(summary, table[~table["method"].isin(methods)])


def test_a_study_without_the_method_is_not_shown_by_another_in_silence(cache: Path) -> None:
    without(cache / "studies" / "wide", ["integrated_gradients"], ["saliency"])
    app = open_page("compare", study="tiny", beside="wide")
    assert errors(app) == []
    assert shown(app.info[0].value) == (
        "wide was not explained by integrated gradients: both are shown by a method that both have."
    )
    assert chart_specs(app) == 1
    without(cache / "studies" / "wide", ["saliency"], ["grad_cam"])
    app = open_page("compare", study="tiny", beside="wide")
    assert errors(app) == []
    assert app.info[0].value.endswith("where they look is not compared.")
    assert next(each for each in app.get("button_group") if each.key == "compared").options == [
        "Accuracy",
        "Logit alignment",
    ]


def test_one_study_alone_cannot_be_compared(cache: Path) -> None:
    (cache / "studies" / "wide" / "summary.parquet").unlink()
    app = open_page("compare", study="tiny")
    assert errors(app) == []
    assert "takes a second study" in app.info[0].value
