"""A study with networks that were trained to look where the teacher looks, beside the same without: λ on the pages."""

import re
from pathlib import Path

import pytest

from core.figures.looking import beside, looks
from core.figures.tables import whole
from core.findings import looking
from core.report import report
from core.study import open_study
from tests.pages.test_pages import errors, headline, open_page, texts
from tests.tiny import serve, tiny_study

PAGES = ["home", "training", "focus", "logit", "tradeoffs", "literature", "changes", "compare"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    tiny_study(cache / "studies" / "looks", name="looks", explanation_weights=[0.0, 1.0], seeds=[0, 1])
    return cache


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(folder, monkeypatch)


def test_rank_alignment_tells_whether_training_for_looking_helps() -> None:
    study = open_study("looks")
    answer = looking(study.summary(), study.config)
    assert answer is not None
    app = open_page("rank")
    assert errors(app) == []
    assert answer.sentence in texts(app)
    assert any("Exploratory: students trained for looking" in text for text in texts(app))
    assert answer.sentence in texts(open_page("home"))
    assert headline(app) == f"## {study_claim()}", "the finding is about λ = 0"


def study_claim() -> str:
    from dashboard import loaded

    finding = loaded.claim(open_study("looks"), "rank")
    assert finding is not None
    return finding.sentence


def test_the_networks_of_another_weight_are_shown_and_marked() -> None:
    plain, app = open_page("rank"), open_page("rank", looking="1")
    assert errors(app) == []
    assert any("distilled networks at λ = 1" in caption.value for caption in app.caption)
    assert not any("at λ = 1" in caption.value for caption in plain.caption)
    assert any("Exploratory: students trained for looking, λ = 1" in text for text in texts(app))
    assert headline(app).startswith("## On average the students shown reach")
    unlooked = "These changes are of students that were not trained for looking (λ = 0), whatever λ is chosen."
    assert unlooked in [caption.value for caption in app.caption]
    assert unlooked not in [caption.value for caption in plain.caption]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_them_and_says_what_is_without(page: str) -> None:
    app = open_page(page, looking="1")
    assert errors(app) == []
    said = any("not trained for looking (λ = 0)" in caption.value for caption in app.caption)
    assert said == (page in {"home", "literature"}), "whose findings stay at λ = 0"
    if page in {"tradeoffs", "changes"}:
        named = re.findall(r"distilled at α = 0\\?\.1(?:, λ = 1)?", " ".join(texts(app)))
        assert {name[-5:] for name in named} == {"λ = 1"}, "a network is called by its λ too"


def test_an_image_is_shown_with_and_without() -> None:
    app = open_page("explanations", looking="1")
    assert errors(app) == []
    assert "ResNet18 distilled at α = 0.1, λ = 1 ranks the parts like the teacher at ρ" in headline(app)
    assert "; without training for looking " in headline(app)
    assert "; undistilled " in headline(app)
    students = next(box for box in app.selectbox if box.label == "Student")
    assert students.value.name == "resnet18-a0.1-e1.0-s0"
    assert {"ResNet18, α = 0.1", "ResNet34, α = 0.1, λ = 1"} <= set(students.options)


def test_the_chart_joins_each_network_with_itself() -> None:
    study = open_study("looks")
    table = looks(study.summary(), whole(study.summary(), study.config))
    assert sorted(zip(table["network"], table["alpha"], table["weight"], strict=True)) == [
        (name, 0.1, weight) for name in ("ResNet18", "ResNet34") for weight in (0.0, 1.0)
    ]
    rows = study.summary().query(
        "kind == 'group' and measure == 'accuracy' and alpha == 0.1 and explanation_weight == 1"
    )
    at_one = table[table["weight"] == 1].set_index("network")["estimate_right"]
    assert at_one["ResNet18"] == rows.set_index("architecture")["estimate"]["resnet18"]
    spec = beside(table, [1.0, 0.1])
    shapes = next(layer["encoding"]["shape"] for layer in spec["layer"] if "shape" in layer["encoding"])
    assert shapes["scale"]["domain"] == ["λ = 0", "λ = 1"], "told apart by shape, not by colour"


def test_the_report_has_the_answer_and_every_difference() -> None:
    study = open_study("looks")
    made = report(study)
    answer = looking(study.summary(), study.config)
    assert answer is not None
    assert answer.title in made.html
    assert "looking" in made.figures
    table = made.tables["looking"]
    assert set(table.data["measure"]) == {"accuracy", "logit_alignment", "rank_alignment", "map_similarity", "focus"}
