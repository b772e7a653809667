"""The commands as people type them: what they print, their exit codes, and that no mistake costs anything."""

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from rich.text import Text

from core import cli
from core.cli.said import Terminal
from core.manifest import read_manifest, write_manifest
from core.models import build, load_model
from core.store import sha256_file, write_json, write_table
from core.study import Study, cache_folder, open_study
from core.weights import read_weights
from tests.tiny import tiny_config, write_toml

STUDENT = "resnet18-a0.1-s0"


class Result(NamedTuple):
    code: int
    out: str
    err: str


Call = Callable[..., Result]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["core", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Result(code, *capsys.readouterr())

    return run


def contents(folder: Path) -> dict[Path, str]:
    return {path: sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def photo(path: Path, seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(np.kron(pixels, np.ones((12, 12, 1), np.uint8))).save(path)
    return path


def test_list(call: Call, ran: Study) -> None:
    result = call("list")
    assert result.code == 0
    assert re.search(r"small\W+4 of 4\W+4 of 4\W+complete", result.out)
    assert "quick" in result.out
    assert "birds" in result.out


def test_list_goes_on_past_a_damaged_study(call: Call, ran_copy: Study) -> None:
    other = ran_copy.folder.with_name("other")
    other.mkdir()
    (other / "study.toml").write_text('name = "other"\n[data]\ncolour = 3\n')
    result = call("list")
    assert result.code == 0
    assert "damaged" in result.out
    assert re.search(r"small\W+4 of 4", result.out)


def test_names_are_no_markup(call: Call, ran_copy: Study, tmp_path: Path) -> None:
    named = ran_copy.folder.rename(ran_copy.folder.with_name("[red]x"))
    settings = (named / "study.toml").read_text().replace("three drawn birds", "[/red] birds")
    (named / "study.toml").write_text(settings)
    assert "[red]x" in call("list").out
    assert "[red]x" in call("show", "[red]x").out
    result = call("explain", "[red]x", tmp_path / "none.png", "--out", tmp_path / "out")
    assert result.out.startswith("These networks know [/red] birds.")
    assert result.code == 1


def test_names_do_not_steer_the_terminal(call: Call, ran_copy: Study, tmp_path: Path) -> None:
    """Of a title, a bell, a C1 escape and a byte that is no text, whoever prints them; colours of one's own stay."""
    title, shown = "\x1b]0;t\a\x9b2J", r"\x1b]0;t\x9b2J"  # rich itself drops the bell
    named = ran_copy.folder.rename(ran_copy.folder.with_name(f"x{title}"))
    settings = (named / "study.toml").read_text().replace("three drawn birds", r"\u001b[2J birds")
    (named / "study.toml").write_text(settings)
    for result in (call("list"), call("show", named.name)):
        assert result.code == 0
        assert f"x{shown}" in result.out
        assert "\x1b" not in result.out
    result = call("explain", named.name, tmp_path / f"none{title}\udcff.png", "--out", tmp_path / "out")
    assert result.out.startswith(r"These networks know \x1b[2J birds.")
    assert rf"none{shown}\udcff.png" in result.out + result.err
    assert "\x1b" not in result.out + result.err
    terminal = Terminal(file=io.StringIO(), force_terminal=True, color_system="standard")
    terminal.print(Text(title, "red"))
    assert terminal.file.getvalue() == f"\x1b[31m{shown}\x1b[0m\n"


def test_list_of_nothing(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    result = call("list")
    assert result.code == 0
    assert "Presets: birds" in result.out


def test_show(call: Call, ran: Study) -> None:
    result = call("show", "small")
    assert result.code == 0
    assert result.err == ""
    for cell in ran.cells:
        assert cell.name in result.out
    summary = ran.summary()
    row = summary[(summary["kind"] == "cell") & (summary["cell"] == STUDENT) & (summary["measure"] == "accuracy")]
    line = next(line for line in result.out.splitlines() if STUDENT in line)
    assert f"{row['estimate'].iloc[0]:.2f}".lstrip("0") in line
    for claim in range(1, 5):
        assert re.search(rf"{claim}\. .*: (supported|contradicted|not settled)", result.out)


def test_what_is_undefined_is_a_dash(call: Call, ran_copy: Study) -> None:
    summary = ran_copy.summary()
    summary.loc[summary["measure"] == "focus", ["estimate", "low", "high"]] = np.nan
    summary.loc[summary["measure"] == "logit_alignment", ["low", "high"]] = np.nan
    write_table(ran_copy.folder / "summary.parquet", summary)
    (ran_copy.folder / "manifest.json").unlink()
    result = call("show", "small")
    line = next(line for line in result.out.splitlines() if STUDENT in line)
    assert line.rstrip().endswith("–")
    assert "nan" not in result.out.lower()


def test_show_to_files(call: Call, ran: Study, tmp_path: Path) -> None:
    csv, table = tmp_path / "new" / "a.csv", tmp_path / "a.json"
    assert call("show", "small", "--csv", csv, "--json", table).code == 0
    summary = ran.summary()
    read = pd.read_csv(csv, keep_default_na=False, na_values=[""])
    assert len(read) == len(summary)
    np.testing.assert_allclose(read["estimate"].astype(float), summary["estimate"], rtol=1e-6)
    rows = json.loads(table.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert len(rows) == len(summary)
    assert set(rows[0]) == set(summary.columns)


def test_report(call: Call, ran: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = contents(cache_folder())
    result = call("report", "small", "--files", tmp_path / "files")
    assert result.code == 0, result.err
    assert "The report is in small-report.html." in result.out
    assert (tmp_path / "small-report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    made = sorted(path.suffix for path in (tmp_path / "files").rglob("*.*"))
    assert f"{len(made)} figures and tables" in result.out
    assert set(made) == {".csv", ".png", ".svg"}
    assert call("report", "small", "--out", tmp_path / "other" / "a.html").code == 0
    assert (tmp_path / "other" / "a.html").exists()
    assert contents(cache_folder()) == before, "nothing is written into the study"


def test_verify(call: Call, ran_copy: Study) -> None:
    result = call("verify", "small")
    assert result.code == 0
    assert f"All {len(ran_copy.manifest)} files" in result.out
    path = ran_copy.path("models", STUDENT)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    ran_copy.path("history", STUDENT).unlink()
    result = call("verify", "small")
    assert result.code == 1
    assert f"models/{STUDENT}.safetensors" in result.out
    assert f"history/{STUDENT}.parquet" in result.out
    assert "2 of" in result.err
    (ran_copy.folder / "manifest.json").unlink()
    said = call("verify", "small").err
    assert "has no manifest.json" in said
    assert "python -m core run small" in said


def test_an_unfinished_study_says_how_far_it_is(call: Call, ran_copy: Study) -> None:
    (ran_copy.folder / "summary.parquet").unlink()
    ran_copy.path("measures", STUDENT).unlink()
    name, entry = next(iter(ran_copy.manifest.items()))
    write_json(ran_copy.folder / "manifest.json", {"files": {name: entry}})
    far = "4 of 4 networks are trained, 3 of 4 measured. If no run is going, go on with: python -m core run small"
    shown = call("show", "small")
    assert shown.code == 1
    assert far in shown.err
    checked = call("verify", "small")
    assert checked.code == 0
    assert "The only file is as it was written." in checked.out
    assert far in checked.out


def test_verify_covers_what_no_run_makes_anew(call: Call, ran_copy: Study) -> None:
    own = ran_copy.path("models", "mine")
    shutil.copy(ran_copy.path("models", STUDENT), own)
    toml = ran_copy.folder / "study.toml"
    toml.write_text(toml.read_text().replace('"birds"', "'birds'"))
    result = call("verify", "small")
    assert result.code == 1
    assert "changed since: study.toml" in result.out
    assert "mine" not in result.out
    content = bytearray(own.read_bytes())
    content[-1] ^= 1
    own.write_bytes(content)
    said = call("verify", "small").err
    assert "not study.toml and models/mine.safetensors, which a run does not make anew" in said


def test_a_study_with_an_empty_file_is_not_complete(call: Call, ran_copy: Study) -> None:
    ran_copy.path("logits", STUDENT).write_bytes(b"")
    assert re.search(r"small\W+4 of 4\W+4 of 4\W+damaged", call("list").out)


def test_explain_without_a_network_says_how_to_get_it(call: Call, ran_copy: Study, tmp_path: Path) -> None:
    ran_copy.path("models", STUDENT).unlink()
    result = call("explain", "small", photo(tmp_path / "a.png"), "--out", tmp_path / "out")
    assert result.code == 1
    assert f"The network {STUDENT} is not there" in result.err
    assert "python -m core run small makes it" in result.err
    assert not (tmp_path / "out").exists()


def test_explain_through_a_network_that_was_not_kept_says_so(call: Call, ran_copy: Study, tmp_path: Path) -> None:
    path = ran_copy.path("models", STUDENT)
    path.unlink()
    manifest, name = read_manifest(ran_copy.folder), f"models/{path.name}"
    manifest.left_out[name] = manifest.files.pop(name)["key"]
    write_manifest(ran_copy.folder, manifest)
    result = call("explain", "small", photo(tmp_path / "a.png"), "--models", STUDENT, "--out", tmp_path / "out")
    assert result.code == 1
    assert f"keeps the networks of its first seed only (keep.seeds), so {STUDENT} is not there" in result.err


def test_explain(call: Call, ran: Study, tmp_path: Path) -> None:
    before = contents(cache_folder())
    out = tmp_path / "out"
    images = [photo(tmp_path / "a [b].jpg"), photo(tmp_path / "two.png", 1)]
    result = call("explain", "small", *images, "--out", out)
    assert result.code == 0, result.err
    assert result.out.startswith("These networks know three drawn birds.")
    assert "a [b].jpg, Saliency:" in result.out, "a name is no markup"
    told = json.loads((out / "explanations.json").read_text())
    assert told["knows"] == "three drawn birds"
    assert len(told["images"]) == 2
    for name, image in told["images"].items():
        assert len(image["results"]) == 4 * 2
        for entry in image["results"]:
            drawn = cv2.imread(str(out / name / entry["method"] / f"{entry['cell']}.png"))
            assert drawn.shape == (448, 448, 3)
            assert entry["predicted"] in ran.dataset.classes
            assert set(entry["density"]) == set(image["parts"])
    assert contents(cache_folder()) == before, "nothing is written into the study"


def test_explain_some(call: Call, ran: Study, tmp_path: Path) -> None:
    image, out = photo(tmp_path / "a.png"), tmp_path / "out"
    chosen = ["--models", STUDENT, "--method", "saliency", "--target", ran.dataset.classes[0]]
    result = call("explain", "small", image, "--out", out, *chosen)
    assert result.code == 0, result.err
    results = json.loads((out / "explanations.json").read_text())["images"]["a"]["results"]
    assert {entry["cell"] for entry in results} == {ran.teacher.name, STUDENT}, "beside the teacher"
    assert {entry["method"] for entry in results} == {"saliency"}
    assert {entry["explained"] for entry in results} == {ran.dataset.classes[0]}, "class 0 is a class"


def test_explain_finishes_the_good_images_and_names_the_bad(call: Call, ran: Study, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty.png").touch()
    images = [tmp_path / "text.jpg", photo(tmp_path / "good.png"), tmp_path / "empty.png", tmp_path / "none.png"]
    result = call("explain", "small", *images, "--out", tmp_path / "out", "--models", STUDENT, "--method", "saliency")
    assert result.code == 1
    assert list(json.loads((tmp_path / "out" / "explanations.json").read_text())["images"]) == ["good"]
    for part in ("text.jpg is not an image", "empty.png is empty", "no file"):
        assert part in result.err


def test_images_of_one_name_do_not_overwrite_each_other(call: Call, ran: Study, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    images = [photo(tmp_path / "a.png"), photo(tmp_path / "b" / "a.png", 1)]
    call("explain", "small", *images, "--out", tmp_path / "out", "--models", STUDENT, "--method", "saliency")
    found = json.loads((tmp_path / "out" / "explanations.json").read_text())["images"]
    assert list(found) == ["a", "a-2"]
    assert found["a"]["results"] != found["a-2"]["results"]


def test_one_s_own_checkpoint_is_measured_beside_the_others(
    call: Call, ran_copy: Study, here: None, tmp_path: Path
) -> None:
    """It is a copy of the teacher: it must agree with it throughout, and change nothing else."""
    torch.save(read_weights(ran_copy.path("models", ran_copy.teacher)), tmp_path / "mine.pth")
    before = contents(ran_copy.folder)
    result = call("add", "small", "mine", "--architecture", "resnet34", "--weights", tmp_path / "mine.pth")
    assert result.code == 0, result.err
    assert "mine is in" in result.out
    assert re.search(r"small\W+5 of 5\W+4 of 5\W+not finished", call("list").out)
    assert call("show", "small").code == 0, "not measured yet is no error"
    result = call("run", "small", "--device", "cpu")
    assert result.code == 0, result.err
    study = open_study("small")
    table = study.measures("mine")
    assert table.loc[table["measure"] == "rank_alignment", "value"].dropna().min() == pytest.approx(1)
    assert table.loc[table["measure"] == "top1_agreement", "value"].min() == 1
    assert "mine" in call("show", "small").out
    after = contents(ran_copy.folder)
    changed = {path.name for path in before if before[path] != after[path]}
    assert changed <= {"costs.parquet", "summary.parquet", "manifest.json", "study.toml"}
    assert call("verify", "small").code == 0
    rows = study.summary()
    assert set(rows.loc[rows["cell"] == "mine", "kind"]) == {"cell", "control", "quantile", "cost"}


def test_run_with_nothing_to_do(call: Call, ran_copy: Study, no_processes: None, tmp_path: Path) -> None:
    before = contents(ran_copy.folder)
    toml = write_toml(tmp_path / "small.toml", tiny_config())
    for study in ("small", toml, ran_copy.folder / "study.toml"):
        result = call("run", study)
        assert result.code == 0, result.err
        assert STUDENT in result.out
        assert f"is in {ran_copy.folder}" in result.out
    assert contents(ran_copy.folder) == before
    other = tmp_path / "other"
    ran_copy.folder.rename(other)
    assert call("run", toml, "--out", other).code == 0


def broken(folder: Path) -> dict[str, tuple[list[object], str]]:
    """Mistakes a person can make, and what they are told."""
    toml = folder / "mine.toml"
    toml.write_text('name = "mine"\n[training]\nepoch = 5\n')
    syntax = folder / "syntax.toml"
    syntax.write_text('name = "mine\n')
    missing = write_toml(folder / "cub.toml", tiny_config(name="c", data={"dataset": "cub", "root": "/nowhere/CUB"}))
    settings = write_toml(folder / "small.toml", tiny_config())
    text = folder / "text[1].jpg"
    text.write_text("no image")
    (folder / "empty.png").touch()
    with (folder / "bytes.jpg").open("wb") as file:
        file.truncate(25_000_001)
    Image.new("1", (8000, 7000)).save(folder / "pixels.png")
    image = photo(folder / "good.png")
    torch.save(build("resnet18", 3, 0.0625, "small").state_dict(), folder / "r18.pth")
    (folder / "bad.pth").write_bytes(b"PK\x03\x04 not really")
    (folder / "file").touch()
    add = ["add", "small", "mine", "--weights"]
    return {
        "study": (["show", "smal"], "There is no study called 'smal'. Did you mean small?"),
        "study to verify": (["verify", "none"], "There is no study called 'none'. There is: small."),
        "preset": (["run", "quik"], "'quik'. Did you mean quick"),
        "preset or study": (["run", "smal"], "'smal'. Did you mean small"),
        "file": (["run", folder / "none.toml"], "There is no file"),
        "key": (["run", toml], "mine.toml: unknown key training.epoch. There is no key called 'epoch'. Did you mean"),
        "syntax": (["run", syntax], "syntax.toml cannot be read as settings in TOML"),
        "data": (["run", missing], "/nowhere/CUB"),
        "value": (["run", settings, "--set", "training.epochs=0"], "training.epochs: input should be greater than"),
        "type": (["run", settings, "--set", "training.epochs=ten"], "valid integer (found 'ten')"),
        "set": (["run", settings, "--set", "training"], "--set takes section.key=value, not 'training'"),
        "set on a study": (["run", "small", "--set", "training.epochs=9"], "--set goes with a preset or a TOML file"),
        "architecture": (
            ["run", settings, "--set", "teacher.architecture=resnet35"],
            "called 'resnet35'. Did you mean",
        ),
        "device": (["run", settings, "--device", "tpu"], "--device is auto, cpu or cuda, not 'tpu'"),
        "another study's folder": (["run", "quick", "--out", cache_folder() / "studies" / "small"], "choose another"),
        "image": (["explain", "small", text, "--out", folder / "o"], "text[1].jpg is not an image"),
        "empty image": (["explain", "small", folder / "empty.png", "--out", folder / "o"], "empty.png is empty"),
        "bytes": (["explain", "small", folder / "bytes.jpg", "--out", folder / "o"], "larger than 25 MB"),
        "pixels": (["explain", "small", folder / "pixels.png", "--out", folder / "o"], "larger than 50 megapixels"),
        "no image": (["explain", "small", folder / "none.png", "--out", folder / "o"], "There is no file"),
        "markup": (["explain", "small", folder / "[/red].png", "--out", folder / "o"], "[/red].png"),
        "cell": (["explain", "small", image, "--models", "resnet18-a0.2-s0"], "Did you mean resnet18-a0.1-s0"),
        "architecture for a cell": (
            ["explain", "small", image, "--models", "resnet18"],
            "'resnet18'. Did you mean resnet18-a1.0-s0 or resnet18-a0.1-s0?",
        ),
        "method": (
            ["explain", "small", image, "--method", "gradcam"],
            "no method called 'gradcam'. Did you mean grad_cam?",
        ),
        "target": (["explain", "small", image, "--target", "owl", "--out", folder / "o"], "no target called 'owl'"),
        "label": (["explain", "small", image, "--target", "label", "--out", folder / "o"], "has no label"),
        "out": (["explain", "small", image, "--models", STUDENT, "--out", folder / "file"], "cannot be written"),
        "report": (["report", "smal"], "Did you mean small?"),
        "report file": (["report", "small", "--out", folder / "file" / "a.html"], "cannot be written"),
        "csv": (["show", "small", "--csv", folder / "file" / "a.csv"], "cannot be written"),
        "weights": ([*add, folder / "none.pth", "--architecture", "resnet18"], "There is no file"),
        "fit": ([*add, folder / "r18.pth", "--architecture", "resnet34"], "do not fit"),
        "width": (
            [*add, folder / "r18.pth", "--architecture", "resnet18", "--width", "1"],
            "is it another architecture, width or stem?",
        ),
        "damaged": ([*add, folder / "bad.pth", "--architecture", "resnet18"], "bad.pth"),
        "own architecture": ([*add, folder / "r18.pth", "--architecture", "resnet19"], "Did you mean"),
        "taken": (["add", "small", STUDENT, *add[3:], folder / "r18.pth", "--architecture", "resnet18"], "choose"),
        "name": (
            ["add", "small", "../x", *add[3:], folder / "r18.pth", "--architecture", "resnet18"],
            "letters",
        ),
    }


def test_a_mistake_is_one_line_and_costs_nothing(
    call: Call, ran_copy: Study, no_processes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mistakes").mkdir()
    monkeypatch.chdir(tmp_path)
    before = contents(cache_folder())
    for what, (arguments, said) in broken(tmp_path / "mistakes").items():
        result = call(*arguments)
        assert result.code == 1, what
        assert said in result.err, what
        assert result.err.startswith("Error: "), what
        assert result.err.count("\n") == 1, (what, result.err)
        assert "Traceback" not in result.err, what
        assert contents(cache_folder()) == before, what


DAMAGE = {
    "study.toml": (["show", "small"], ["list"]),
    "summary.parquet": (["show", "small"], ["list"]),
    "manifest.json": (["verify", "small"], ["show", "small"]),
    "models/resnet34-a1.0-s0.safetensors": (["explain", "small", "good.png"], ["show", "small"]),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_of_a_study_is_one_line_and_the_rest_still_works(
    name: str, call: Call, ran_copy: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo(tmp_path / "good.png")
    monkeypatch.chdir(tmp_path)
    path = ran_copy.folder / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"[")
    before = contents(cache_folder())
    fails, works = DAMAGE[name]
    result = call(*fails)
    assert result.code == 1
    assert Path(name).name in result.err
    assert "damaged" in result.err
    assert result.err.count("\n") == 1
    assert call(*works).code == 0
    assert contents(cache_folder()) == before


@pytest.mark.parametrize(
    "arguments", [["fly"], ["show"], ["run", "quick", "--colour"], ["add", "small", "x"], ["explain", "small"]]
)
def test_wrong_usage_is_another_exit_code(arguments: list[str], call: Call, ran: Study) -> None:
    result = call(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert result.err


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--score", "logits", "There is no score called 'logits'. Did you mean logit?"),
        ("--baseline", "", "There is no baseline called ''. There is: black, blurred, mean."),
        ("--tolerance", "nan", "A tolerance is a number from 0 to 1, not nan."),
        ("--tolerance", "2", "A tolerance is a number from 0 to 1, not 2.0."),
    ],
)
def test_a_wrong_wish_is_one_sentence(option: str, value: str, told: str, call: Call, ran: Study) -> None:
    result = call("explain", "small", "a.png", option, value)
    assert result.code == 1
    assert result.err == f"Error: {told}\n"


@pytest.mark.parametrize("command", ["run", "expect", "list", "show", "report", "explain", "add", "verify"])
def test_every_command_has_help(command: str, call: Call) -> None:
    result = call(command, "--help")
    assert result.code == 0
    assert "Usage" in result.out


def test_from_a_shell(ran: Study) -> None:
    """The same through `python -m core`: nothing but the line, and the exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "core", "show", "smal"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "Error: There is no study called 'smal'. Did you mean small?\n"


def test_a_saved_network_is_a_checkpoint_others_can_read(ran: Study) -> None:
    model, header = load_model(ran.path("models", STUDENT))
    fresh = build(header.architecture, 3, header.width, header.stem)
    fresh.load_state_dict(read_weights(ran.path("models", STUDENT)))
    assert all(torch.equal(v, fresh.state_dict()[k]) for k, v in model.state_dict().items())


def test_a_preset_never_replaces_a_study_of_its_name(call: Call, ran_copy: Study) -> None:
    folder = cache_folder() / "studies" / "quick"
    ran_copy.folder.rename(folder)
    settings = (folder / "study.toml").read_text().replace(f'name = "{ran_copy.name}"', 'name = "quick"')
    (folder / "study.toml").write_text(settings)
    before = contents(folder)
    for more in ([], ["--set", "training.epochs=3"]):
        result = call("run", "quick", *more)
        assert result.code == 1
        assert "--set name=" in result.err
    assert contents(folder) == before


def test_a_script_for_slurm(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "job.sh"
    assert call("cluster", "slurm", "quick", "--nodes", 2, "--out", path).out == f"Written to {path}.\n"
    assert call("cluster", "slurm", "quick", "--nodes", 2).out == path.read_text()
    assert "#SBATCH --nodes=2\n" in path.read_text()
    assert "There is no preset or study called 'quik'. Did you mean quick?" in call("cluster", "slurm", "quik").err
    assert "--hours" in call("cluster", "slurm", "quick", "--hours", "inf").err
