"""Every page, run as Streamlit runs it, on a tiny study."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.config import Config
from core.findings import dose, findings
from core.study import Study, open_study, study_names
from tests.tiny import fall_short

HOME = str(Path(__file__).parents[2] / "dashboard" / "Home.py")
PAGES = sorted(path.stem for path in (Path(__file__).parents[2] / "pages").glob("*.py"))
ABOUT_A_STUDY = [page for page in PAGES if page != "studies"]
"""All but the page that lists them."""
CHARTS = ["home", "training", "focus", "rank", "logit", "tradeoffs", "literature", "changes"]
FIXED = ["home", "literature"]
"""Of these, without a switch."""


def open_page(page: str, **query: str) -> AppTest:
    """Come to a page from its address, as by a link."""
    app = AppTest.from_file(HOME, default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    return app.switch_page(f"../pages/{page}.py").run()


def texts(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown]


def headline(app: AppTest) -> str:
    return next(text for text in texts(app) if text.startswith("## "))


def errors(app: AppTest) -> list[str]:
    assert not app.exception
    return [shown(element.value) for element in app.error]


def shown(markdown: str) -> str:
    """What a browser makes of text in which Markdown's signs are escaped."""
    return re.sub(r"\\(\W)", r"\1", markdown)


def switches(app: AppTest) -> int:
    return len(app.main.get("button_group")) + len(app.main.get("toggle"))


def chart_specs(app: AppTest) -> int:
    return len(app.get("vega_lite_chart")) + len(app.get("arrow_vega_lite_chart"))


def test_every_page_of_the_menu_has_its_file() -> None:
    from dashboard.navigation import SECTIONS

    assert sorted(name for names in SECTIONS.values() for name in names) == PAGES


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("page", PAGES)
def test_page_runs_after_the_first(page: str) -> None:
    app = open_page("home")
    title = app.title[0].value
    app.switch_page(f"../pages/{page}.py").run()
    assert errors(app) == []
    assert (app.title[0].value == title) == (page == "home")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("page", CHARTS)
@pytest.mark.parametrize("study", ["tiny", "wide"])
def test_chart_page_begins_with_a_sentence_and_has_a_chart(page: str, study: str) -> None:
    app = open_page(page, study=study)
    assert errors(app) == []
    assert headline(app).endswith(".")
    assert bool(switches(app)) == (page not in FIXED)
    assert chart_specs(app) >= 1


@pytest.mark.usefixtures("shared")
def test_study_chosen_on_one_page_is_kept_on_the_next() -> None:
    app = open_page("rank")
    app.sidebar.selectbox[0].set_value("wide").run()
    app = app.switch_page("../pages/focus.py").run()
    assert errors(app) == []
    assert app.sidebar.selectbox[0].value == "wide"
    assert any("3 trainings" in caption.value for caption in app.caption)


@pytest.mark.usefixtures("shared")
def test_one_seed_is_said_to_speak_of_these_networks_only() -> None:
    app = open_page("rank", study="tiny")
    assert any("these networks only" in caption.value for caption in app.caption)


@pytest.mark.usefixtures("shared")
def test_another_setting_is_marked_exploratory() -> None:
    assert not any("Exploratory" in text for text in texts(open_page("rank")))
    app = open_page("rank", method="Saliency")
    assert any("Exploratory" in text and "saliency" in text for text in texts(app))
    primary, other = (headline(open_page("rank", **given)) for given in ({}, {"method": "Saliency"}))
    assert headline(app) == other != primary, "the sentence is of what is shown"
    assert "rank the parts of an image like the teacher at ρ" in other


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("page", "address", "said"),
    [
        ("rank", {"rank_importance": "In total"}, "importance in total"),
        ("rank", {"rank_images": "Both right"}, "the images that both get right"),
        ("focus", {"focus_of": "The whole image"}, "focus in the whole image"),
        ("focus", {"focus_images": "Both right", "method": "Saliency"}, "saliency, the images that both get right"),
    ],
)
def test_every_switch_changes_the_sentence_and_marks_it(page: str, address: dict[str, str], said: str) -> None:
    app = open_page(page, study="wide", **address)
    assert any(f"Exploratory: {said}" in text for text in texts(app))
    assert headline(app) != headline(open_page(page, study="wide"))


@pytest.mark.usefixtures("shared")
def test_controls_are_told_and_those_there_are_none_of() -> None:
    said = " ".join(caption.value for caption in open_page("rank", study="tiny").caption)
    for part in ("image of another class", "untrained networks", "size of the parts alone", "nearer the teacher's"):
        assert part in said
    assert "With one seed there is no teacher trained again" in said
    said = " ".join(caption.value for caption in open_page("rank", study="wide").caption)
    assert "The teacher's network trained again reaches" in said


@pytest.mark.usefixtures("shared")
def test_home_has_four_findings_each_with_its_verdict_in_words() -> None:
    verdicts = [text for text in texts(open_page("home")) if "-badge[" in text]
    claims = ("Distillation makes", "Distillation aligns", "Distillation concentrates", "Outputs and explanations")
    assert all(any(f"] {claim}" in text for text in verdicts) for claim in claims)
    assert all(any(word in text for word in ("Supported", "Contradicted", "Not settled")) for text in verdicts)


@pytest.mark.usefixtures("shared")
def test_the_page_of_a_claim_tells_all_that_home_tells_of_it() -> None:
    """The fourth of each architecture, and where both are right: in the same words."""
    (finding,) = (each for each in findings(*_wide()) if each.page == "logit")
    home, page = (texts(open_page(name, study="wide")) for name in ("home", "logit"))
    said = [finding.sentence, finding.detail, *(each.sentence for each in finding.each)]
    assert len(said) == 4
    for text in said:
        assert any(text in each for each in home), text
        assert any(text in each for each in page), text


def _wide() -> tuple[pd.DataFrame, Config]:
    study = open_study("wide")
    return study.summary(), study.config


@pytest.mark.usefixtures("shared")
def test_stronger_beside_milder_distillation_stands_beside_the_poster_where_there_is_both() -> None:
    (said,) = (text for text in texts(open_page("literature", study="wide")) if "stronger distillation" in text)
    assert said == dose(*_wide())
    assert not any("stronger distillation" in text for text in texts(open_page("literature", study="tiny")))


@pytest.mark.usefixtures("shared")
def test_unknown_study_gives_near_names_and_keeps_the_rest() -> None:
    app = open_page("home", study="tinny", method="Saliency")
    assert errors(app) == []
    assert "no study called 'tinny'" in app.warning[0].value
    assert "tiny" in app.warning[0].value
    app = app.switch_page("../pages/rank.py").run()
    assert any("Exploratory" in text for text in texts(app))
    app.sidebar.selectbox[0].set_value("wide").run()
    assert not app.warning


@pytest.mark.usefixtures("shared")
def test_what_the_address_asks_for_in_vain_is_told() -> None:
    app = open_page("rank", study="tiny", architectures=["ResNet99", "ResNet18"], alphas="7", method="Salency")
    assert errors(app) == []
    said = " ".join(shown(warning.value) for warning in app.warning)
    assert "no choice of 'Networks' called 'ResNet99'. Did you mean ResNet" in said
    assert "no choice of 'α, weight of the labels' called '7'. There is: 0.1, 1.0" in said
    assert "no choice of 'Method' called 'Salency'. Did you mean Saliency?" in said
    assert "ResNet18'" not in said
    app.sidebar.selectbox[0].set_value("wide").run()
    assert not app.warning


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("page", "key", "label"),
    [
        ("explanations", "student", "Student"),
        ("explanations", "sort", "Order"),
        ("explanations", "who", "Answers"),
        ("tradeoffs", "cost", "Cost"),
        ("changes", "agree_by", "Agreement by"),
        ("focus", "parts_of", "Student"),
    ],
)
def test_a_page_s_own_switch_says_what_was_asked_in_vain(page: str, key: str, label: str) -> None:
    app = open_page(page, study="tiny", **{key: "ResNet9"})
    assert errors(app) == []
    (warning,) = app.warning
    assert f"There is no choice of '{label}' called 'ResNet9'. " in shown(warning.value)
    app.run()
    assert len(app.warning) == 1, "it stays while the page does"
    app.switch_page("../pages/rank.py").run()
    assert not app.warning


@pytest.mark.usefixtures("shared")
def test_what_another_choice_takes_away_was_not_asked_in_vain() -> None:
    app = open_page("focus", study="tiny", parts_of="ResNet34")
    assert not app.warning
    app.sidebar.get("button_group")[0].set_value(["resnet18"]).run()
    assert errors(app) == []
    assert not app.warning


@pytest.mark.usefixtures("shared")
def test_another_study_is_no_reason_to_warn() -> None:
    app = open_page("rank", study="wide", alphas="0.5")
    app.sidebar.selectbox[0].set_value("tiny").run()
    assert errors(app) == []
    assert not app.warning


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("page", ABOUT_A_STUDY)
def test_the_page_itself_says_which_study_and_method_it_shows(page: str) -> None:
    app = open_page(page, study="tiny", method="Saliency")
    assert shown(app.main.caption[0].value) == ("Study: tiny" if page == "training" else "Study: tiny · Saliency")


def test_a_copy_is_called_as_its_folder_is(cache: Path) -> None:
    copy = (cache / "studies" / "tiny").rename(cache / "studies" / "copied")
    app = open_page("rank", study="copied")
    assert errors(app) == []
    assert shown(app.main.caption[0].value) == "Study: copied · Integrated gradients"
    (copy / "summary.parquet").unlink()
    (said,) = errors(app.run())
    assert said.startswith("The study 'copied' is not finished: ")
    assert said.endswith("python -m core run copied")


@pytest.mark.usefixtures("shared")
def test_home_asks_the_question_that_it_answers() -> None:
    said = texts(open_page("home"))
    question = next(i for i, text in enumerate(said) if text.endswith("look where the teacher looks?"))
    assert question < said.index(headline(open_page("home")))


@pytest.mark.usefixtures("shared")
def test_drawn_birds_are_called_no_photos() -> None:
    for page in ("home", "explanations"):
        assert not any("photo" in text for text in texts(open_page(page)))


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("page", ["training", "logit"])
def test_where_the_method_changes_little_the_sidebar_says_so(page: str) -> None:
    assert any("method" in caption.value for caption in open_page(page).sidebar.caption)
    assert not any("method" in caption.value for caption in open_page("rank").sidebar.caption)


def test_a_weak_teacher_is_named_on_the_page_too(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "summary.parquet"
    summary = pd.read_parquet(path)
    own = (summary["measure"] == "accuracy") & (summary["cell"] == "resnet34-a1.0-s0")
    summary.loc[own, "estimate"] = 0.0
    summary.to_parquet(path)
    app = open_page("training", study="tiny")
    assert any("is less accurate than undistilled ResNet18" in text for text in texts(app))


@pytest.mark.usefixtures("shared")
def test_an_address_is_never_markup() -> None:
    app = open_page("home", study="![x](http://host/p.png)")
    (said,) = (element.value for element in app.warning)
    assert "![" not in said
    assert "![x](http://host/p.png)" in shown(said)


@pytest.mark.parametrize("page", ABOUT_A_STUDY)
def test_no_study_gives_a_sentence(page: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(cache / "nowhere"))
    assert study_names() == []
    app = open_page(page)
    assert "There is no study yet" in errors(app)[0]
    assert app.title[0].value


@pytest.mark.parametrize("page", ABOUT_A_STUDY)
def test_damaged_settings_give_a_sentence(page: str, cache: Path) -> None:
    (cache / "studies" / "tiny" / "study.toml").write_text("name = ")
    (said,) = errors(open_page(page, study="tiny"))
    assert "study.toml is damaged" in said


@pytest.mark.parametrize("page", CHARTS)
def test_damaged_summary_gives_a_sentence(page: str, cache: Path) -> None:
    (cache / "studies" / "tiny" / "summary.parquet").write_bytes(b"PAR1 not really")
    (said,) = errors(open_page(page, study="tiny"))
    assert "summary.parquet is damaged" in said


@pytest.mark.parametrize("page", CHARTS)
def test_unfinished_study_gives_a_sentence(page: str, cache: Path) -> None:
    (cache / "studies" / "tiny" / "summary.parquet").unlink()
    app = open_page(page, study="tiny")
    (said,) = errors(app)
    assert "0 of 4 networks are trained, 4 of 4 measured. If no run is going, go on with: " in said
    assert "python -m core run tiny" in said
    assert app.title[0].value
    assert not switches(app), "a switch of nothing"


@pytest.mark.parametrize(("page", "folder"), [("training", "history")])
def test_missing_detail_gives_a_sentence_and_leaves_the_chart(page: str, folder: str, cache: Path) -> None:
    for path in (cache / "studies" / "tiny" / folder).glob("*"):
        path.unlink()
    app = open_page(page, study="tiny")
    assert "There is no file" in errors(app)[0]
    assert headline(app)
    assert chart_specs(app) >= 1


def test_new_study_appears_without_a_restart(cache: Path) -> None:
    app = open_page("home")
    (cache / "studies" / "wide").rename(cache / "studies" / "later")
    app.run()
    assert app.sidebar.selectbox[0].options == ["later", "tiny"]


@pytest.mark.parametrize("page", sorted({*CHARTS} - {"tradeoffs", "changes"}))
def test_imported_network_is_shown_by_its_own_name(page: str, cache: Path) -> None:
    folder = cache / "studies" / "tiny"
    for kind in ("measures", "importance", "logits"):
        for path in (folder / kind).glob("resnet18-a1.0-s0.*"):
            path.with_stem("mine").write_bytes(path.read_bytes())
    summary = pd.read_parquet(folder / "summary.parquet")
    own = summary[(summary["kind"] == "cell") & (summary["cell"] == "resnet18-a1.0-s0")]
    own = own.assign(cell="mine", alpha=float("nan"), seed="")
    pd.concat([summary, own]).to_parquet(folder / "summary.parquet")
    app = open_page(page, study="tiny")
    assert errors(app) == []
    assert "mine" in json.dumps([chart.proto.spec for chart in app.get("vega_lite_chart")], default=str)


def test_others_numbers_are_marked_as_another_setting(cache: Path) -> None:
    path = cache / "studies" / "wide" / "summary.parquet"
    summary = pd.read_parquet(path)
    summary[summary["measure"] != "win_rate"].to_parquet(path)
    app = open_page("literature", study="wide")
    assert headline(app).startswith("## Of the poster's four findings, this study ")
    marked = [caption.value for caption in app.main.caption if "Another data set and setting" in caption.value]
    assert len(marked) == 3
    assert "This study has no win rates" in app.info[0].value
    verdicts = app.main.table[0].value["This study"]
    assert len(verdicts) == 4


@pytest.mark.usefixtures("shared")
def test_the_report_is_made_on_a_click_and_belongs_to_its_study() -> None:
    app = open_page("home", study="tiny")
    assert not reports(app)
    app.button(key="report").click().run()
    assert errors(app) == []
    assert len(reports(app)) == 1
    app.sidebar.selectbox[0].set_value("wide").run()
    assert not reports(app)


def reports(app: AppTest) -> list[str]:
    labels = [each.proto.label for each in app.get("download_button")]
    return [label for label in labels if "Download the report" in label]


@pytest.mark.parametrize("page", [*CHARTS, "explanations"])
@pytest.mark.parametrize("short", [True, False])
def test_maps_less_exact_than_asked_are_told(page: str, short: bool, cache: Path) -> None:
    if short:
        fall_short(Study(cache / "studies" / "tiny"))
    app = open_page(page, study="tiny")
    assert errors(app) == []
    has_maps = page not in ("training", "literature")
    assert any("Only 0 of" in caption.value for caption in app.caption) == (short and has_maps)
