"""The report: its numbers are the summary's, it asks nothing of anywhere, and no name in it is markup."""

import base64
import io
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core import sentences
from core.errors import UserError
from core.findings import findings, nice_name, question
from core.measures import MEASURES
from core.report import Report, beyond, draw, report
from core.report.pieces import number
from core.report.setting import studied
from core.store import write_table
from core.study import Study, open_study
from tests.rows import with_rows
from tests.tiny import cache, tiny_folders

__all__ = ["cache", "tiny_folders"]

MARKUP = '</p><script>alert("x")</script><img src=http://host/x onerror=alert(1)>&amp;'
IG = {"method": "integrated_gradients", "subset": "all"}
NEW = ("question", "cost", "normalised", "part")
UNITS = {" points": 0.01, "%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9}
"""By what a number is to be multiplied that stands before it; bytes and milliseconds are what rows hold."""
VOID = {"meta", "br", "img", "link", "input"}


Ready = dict[str, tuple[Study, Report]]


@dataclass
class Read(HTMLParser):
    """What a browser finds in the file."""

    cells: list[tuple[int, str]] = field(default_factory=list)
    """Numbers of the tables: their row of the summary, and the text."""
    first: list[str] = field(default_factory=list)
    """The first words of each of their rows."""
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._row, self._line = -1, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.tags.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self._line = ""
        if tag == "td":
            self._row = int(found.get("data-row", -1))
            if self._row >= 0:
                self.cells.append((self._row, ""))
                self.first.append(self._line)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "td":
            self._row, self._line = -1, self._line + " | "

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            return
        self.text += data
        self._line += data
        if self._row >= 0:
            self.cells[-1] = (self._row, self.cells[-1][1] + data)


@pytest.fixture(scope="module")
def ready(tiny_folders: Path) -> Ready:
    """Both studies as they were made, and their reports."""
    studies = [open_study(tiny_folders / "studies" / name) for name in ("tiny", "wide")]
    return {study.name: (study, report(study)) for study in studies}


def read(made: Report) -> Read:
    found = Read()
    found.feed(made.html)
    assert found.open == []
    return found


def grow(study: Study) -> pd.DataFrame:
    """Give a study's summary a row of each kind that it may have."""
    summary = study.summary()
    summary = summary[~summary["kind"].isin(NEW) & ~summary["control"].isin(["random network", "retrained teacher"])]
    student = {"architecture": "resnet18", "alpha": 0.1, "seed": "all", **IG}
    rank = {"measure": "rank_alignment", "importance": "density", "estimate": 0.0625, "low": -0.5, "high": 0.75}
    question = {**rank, "method": "integrated_gradients~saliency", "subset": "all", "alpha": 0.1, "seed": "all"}
    again = {"architecture": "resnet34", "alpha": 1.0}
    keys = {"kind": "group", "estimate": 0.61, "low": 0.55, "high": 0.67, **student}
    rows: list[dict[str, Any]] = [
        {"kind": "question", **question, "architecture": "resnet18"},
        {"kind": "question", **question},
        {"kind": "cost", "architecture": "resnet34", "measure": "parameters", "estimate": 21_284_672, "subset": "all"},
        {"kind": "cost", "architecture": "resnet18", "measure": "parameters", "estimate": 11_176_512, "subset": "all"},
        {"kind": "cost", "architecture": "resnet18", "measure": "file_size", "estimate": 22_400_000, "subset": "all"},
        {
            "kind": "cost",
            "architecture": "resnet18",
            "measure": "latency_cpu",
            "estimate": 3.25,
            "low": 3.0,
            "high": 3.5,
            "n": 30,
            "subset": "all",
        },
        {"kind": "normalised", **rank, **student},
        {"kind": "control", "control": "random network", **rank, **{**student, "alpha": np.nan}},
        {"kind": "control", "control": "retrained teacher", **rank, **student, **again},
        {**keys, "measure": "win_rate"},
        {"kind": "finding", "control": "no distillation", **rank, **student, "importance": "mass", "architecture": ""},
        {"kind": "finding", "control": "no distillation", **rank, **student, "subset": "both right"},
    ]
    for part, share in (("beak", 0.25), ("tail", 0.5)):
        said = {"kind": "part", "measure": "part_share", "low": share - 0.1, "high": share + 0.1, **student}
        rows.append({**said, "subset": part, "estimate": share})
        teacher = {"architecture": "resnet34", "alpha": 1.0, "seed": "0", "cell": "resnet34-a1.0-s0"}
        rows.append({**said, "subset": part, "estimate": share / 2, **teacher})
    grown = with_rows(summary, *rows)
    write_table(study.folder / "summary.parquet", grown)
    return grown


def value(text: str) -> tuple[float, float]:
    """The number that a text says, and half a unit of its last digit."""
    digits = re.fullmatch(r"([+−]?)([\d,]+(?:\.(\d+))?)( points|%)?(?: ([kMG])?(?:B|ms)?)?", text)
    assert digits, text
    sign, plain, decimals, share, size = digits.groups()
    scale = UNITS.get(share or size, 1.0)
    return (-1 if sign == "−" else 1) * float(plain.replace(",", "")) * scale, 0.5001 * 10 ** -len(
        decimals or ""
    ) * scale


def check(text: str, row: pd.Series) -> None:
    """A cell of a table says the estimate, its interval, or how many values it is from, of that very row."""

    def same(said: str, column: str) -> bool:
        if said == "–":
            return bool(np.isnan(row[column]))
        found, half = value(said)
        return abs(found - row[column]) <= half

    between = re.fullmatch(r"(?:(.+) )?\[(.+), (.+)\]", text)
    if between:
        estimate, low, high = between.groups()
        low += " points" * (high.endswith("points") and not low.endswith("points"))
        assert same(low, "low"), (text, row)
        assert same(high, "high"), (text, row)
        assert estimate is None or same(estimate, "estimate"), (text, row)
    else:
        counted = text.isdigit() and int(text) in (row["n"], row["skipped"])
        assert counted or same(text, "estimate") or (text == "–" and np.isnan(row["low"])), (text, row)


@pytest.mark.parametrize("name", ["tiny", "wide"])
def test_every_number_of_a_table_is_its_row_of_the_summary(name: str, ready: Ready) -> None:
    rows_agree(*ready[name])


@pytest.mark.usefixtures("cache")
def test_so_is_every_number_of_new_kinds_of_rows() -> None:
    study = open_study("wide")
    grow(study)
    made = report(study)
    rows_agree(study, made)
    new_kinds_are_shown(study, made)


def rows_agree(study: Study, made: Report) -> None:
    summary = study.summary()
    found = read(made)
    assert len(found.cells) > 100
    for (place, text), line in zip(found.cells, found.first, strict=True):
        row = summary.loc[place]
        check(text, row)
        named = row["cell"] or nice_name(row["architecture"])
        assert (
            not named
            or row["control"] == "area"
            or nice_name(row["architecture"]) in line
            or row["cell"] in line
            or "the teacher" in line
        ), line
        if row["kind"] == "group":
            assert (
                "undistilled" in line or "the teacher" in line if row["alpha"] == 1 else f"α = {row['alpha']}" in line
            ), line


def test_all_of_a_finding_is_told(ready: Ready) -> None:
    study, made = ready["wide"]
    text = read(made).text
    told = findings(study.summary(), study.config)
    assert len(told) == 4
    for finding in told:
        assert finding.title in text
        assert finding.sentence in text
        assert finding.detail in text
        assert finding.controls in text
        assert all(each.sentence in text for each in finding.each)
    verdicts = {finding.page: finding.verdict for finding in told}
    assert sentences.answer(verdicts["focus"], verdicts["rank"], once=False) in text
    for about in MEASURES.values():
        assert about.sentence in text
    for control in beyond.CONTROLS.values():
        assert control in text
    for said in (
        "There is one teacher",
        "Student's t over 3 seeds",
        "python -m core report wide",
        "@misc",
        "2205.16004",
    ):
        assert said in text
    assert "α = 0.5" in text


@pytest.mark.usefixtures("cache")
def test_what_is_missing_is_said() -> None:
    study = open_study("tiny")
    summary = study.summary()
    gone = summary["kind"].isin(NEW) | (summary["control"] == "random network") | (summary["measure"] == "win_rate")
    write_table(study.folder / "summary.parquet", summary[~gone].reset_index(drop=True))
    text = read(report(study)).text
    assert "the study has one seed, so its teacher was trained once" in text
    assert "summarised before this control came in" in text
    assert "The comparison of the two methods: not in this study" in text
    assert "latency: not in this study" in text
    assert "This study has no win rates" in text
    assert "It takes teachers trained again, and the study has one seed." in text
    assert "Each network was trained once" in text


def new_kinds_are_shown(study: Study, made: Report) -> None:
    text = read(made).text
    asked = question(study.summary(), study.config)
    assert asked is not None
    assert asked.sentence in text
    assert "[−0.500, +0.750]" in text
    assert "21.3 M" in text
    assert "3.25 ms [3, 3.5 ms]" in text
    assert "This study has no win rates" not in text
    assert "Missing here" not in text
    assert {"costs", "question", "normalised", "parts", "rank-alignment-exploratory"} <= set(made.tables)
    assert "parts" in made.figures


def test_the_file_asks_nothing_of_anywhere_and_runs_nothing(ready: Ready) -> None:
    found = read(ready["tiny"][1])
    for tag, attributes in found.tags:
        assert tag not in ("script", "iframe", "object", "embed", "link", "base", "form")
        for key, content in attributes.items():
            assert not key.startswith("on"), (tag, key)
            if key in ("src", "href", "xlink:href", "action", "srcset", "poster", "data"):
                assert content.startswith(("data:", "#")), (tag, content[:60])
            assert "url(" not in content or "url(#" in content or tag == "meta", (tag, content)
    policy = dict(found.tags)["meta"]
    assert any("default-src 'none'" in attributes.get("content", "") for _, attributes in found.tags), policy
    css = Path("core/report/page.css").read_text(encoding="utf-8")
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.usefixtures("cache")
def test_names_are_no_markup(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "study.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("A study for tests.", MARKUP.replace('"', '\\"')), encoding="utf-8")
    study = open_study("tiny")
    study.provenance["knows"] = study.provenance["machine"] = MARKUP
    study.__dict__["dataset"] = study.__dict__["shown"] = SimpleNamespace(classes=(MARKUP, "owl"), knows=MARKUP)
    summary = grow(study)
    stranger = {"kind": "cell", "cell": MARKUP, "architecture": "resnet18", "subset": "all", "estimate": 0.5}
    rows = [
        {**stranger, "measure": "accuracy"},
        {**stranger, "measure": "rank_alignment", "importance": "density", **IG},
        {**stranger, "measure": "logit_alignment"},
    ]
    summary.loc[summary["subset"] == "beak", "subset"] = MARKUP
    write_table(study.folder / "summary.parquet", with_rows(summary, *rows))
    found = read(report(study))
    assert {"script", "img"} & {tag for tag, _ in found.tags} == set()
    assert found.text.count(MARKUP) > 6
    assert not any(key.startswith("on") for _, attributes in found.tags for key in attributes)


def test_files_are_those_of_the_page(tmp_path: Path, ready: Ready) -> None:
    study, made = ready["tiny"]
    written = made.write_files(tmp_path / "all")
    assert all(path.is_file() for path in written)
    names = {path.relative_to(tmp_path / "all").as_posix() for path in written}
    found = read(made)
    links = [attributes for tag, attributes in found.tags if tag == "a" and "download" in attributes]
    assert {link["download"].removeprefix("tiny-") for link in links} == {Path(n).name for n in names} - {"summary.csv"}
    for link in links:
        name = link["download"].removeprefix("tiny-")
        folder = "tables" if name.endswith("csv") else "figures"
        content = base64.b64decode(link["href"].split(",", 1)[1])
        assert content == (tmp_path / "all" / folder / name).read_bytes()
    picture = Image.open(tmp_path / "all" / "figures" / "rank-alignment.png")
    assert picture.width > 1000
    whole = pd.read_csv(tmp_path / "all" / "tables" / "summary.csv", keep_default_na=False, na_values=[""])
    np.testing.assert_allclose(whole["estimate"].astype(float), study.summary()["estimate"], rtol=1e-12)
    table = pd.read_csv(io.StringIO((tmp_path / "all" / "tables" / "accuracy.csv").read_text(encoding="utf-8")))
    assert {"estimate", "low", "high", "n", "skipped"} <= set(table.columns)


def test_progress_is_told_and_the_same_study_gives_the_same_file(ready: Ready) -> None:
    told: list[tuple[int, int]] = []
    study, first = ready["tiny"]
    again = report(study, lambda done, total, what: told.append((done, total)))
    assert [done for done, _ in told] == list(range(told[-1][1] + 1))
    assert first.html == again.html


def test_figures_have_ids_of_their_own() -> None:
    spec = {
        "data": {"values": [{"x": 1}]},
        "mark": {"type": "point", "clip": True},
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    one, two = draw.svg(spec, "one"), draw.svg(spec, "two")
    ids = [set(re.findall(r'\bid="([^"]+)"', each)) for each in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert all(f'id="{name}"' in one for name in re.findall(r"url\(#([^)]+)\)", one))


@pytest.mark.parametrize("measure", ["rank-alignment", "focus", "enrichment", "logit-alignment"])
def test_a_figure_has_what_chance_and_an_untrained_network_reach(measure: str, ready: Ready) -> None:
    _, made = ready["tiny"]
    assert {"by chance", "never trained"} <= set(re.findall(r">([^<>]+)</text>", made.figures[measure].svg))


def test_what_students_learned_besides_is_told(cache: Path) -> None:
    path = cache / "studies" / "tiny" / "study.toml"
    plain = str(studied(open_study("tiny")))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("weights = [0.0]", "weights = [0.0, 2.5]"), encoding="utf-8")
    told = str(studied(open_study("tiny")))
    assert "look where the teacher looks too: λ × (1 − the cosine of" in told
    assert "λ = 2.5." in told
    assert "cosine" not in plain


def test_an_unfinished_study_gives_a_sentence(cache: Path) -> None:
    (cache / "studies" / "tiny" / "summary.parquet").unlink()
    with pytest.raises(UserError, match="is not finished"):
        report(open_study("tiny"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0.8654, "accuracy", False), "86.5%"),
        ((-0.042, "accuracy", True), "−4.2 points"),
        ((0.1663, "rank_alignment", True), "+0.166"),
        ((float("nan"), "focus", False), "–"),
        ((11_176_512, "parameters", False), "11.2 M"),
    ],
)
def test_numbers_are_written_as_people_do(given: tuple[float, str, bool], said: str) -> None:
    assert number(*given) == said
