"""Without its manifest a study loses no network, and takes none for what it is not."""

from dataclasses import replace

import pytest

from core.models import load_model, save_model
from core.run import complete
from core.run.adopt import adopt
from core.run.complete import run_study
from core.run.loop import Progress
from core.run.recipe import keys
from core.study import Study
from tests.tiny import tiny_config

STUDENT = "resnet18-a0.1-s0"


def adopted(study: Study, unchanged: bool = True) -> set[str]:
    files, _ = adopt(study, keys(study), unchanged)
    return {name.removeprefix("models/").removesuffix(".safetensors") for name in files if name.startswith("models/")}


def test_a_run_without_its_manifest_trains_nothing(ran_copy: Study, ran: Study, here: None) -> None:
    (ran_copy.folder / "manifest.json").unlink()
    told: list[Progress] = []
    said: list[str] = []
    study = run_study(tiny_config(), device="cpu", on_progress=told.append, on_note=said.append)
    assert not [each.finished for each in told if each.finished.startswith("train")]
    (sentence,) = said
    assert "manifest.json is missing or damaged: 4 of 4 networks" in sentence
    keyed, before = ({name: each["key"] for name, each in of.manifest.items()} for of in (study, ran))
    assert keyed == before
    timed = {"costs.parquet", "summary.parquet"}  # latencies are measured anew
    assert {name for name, each in study.manifest.items() if each != ran.manifest[name]} <= timed
    assert study.damaged() == []


@pytest.mark.parametrize("content", [b"{", b'{"files": {"study.toml": 3}}', b"[]"])
def test_one_that_cannot_be_read_is_as_none(ran_copy: Study, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same is to be done, and the same is said."""
    begun: list[tuple[object, ...]] = []

    def begin(study: Study, tasks: object, wanted: object, files: object, *rest: object) -> None:
        begun.append((tasks, wanted, files))
        raise KeyboardInterrupt

    monkeypatch.setattr(complete, "run_tasks", begin)
    path = ran_copy.folder / "manifest.json"
    path.unlink()
    said: list[str] = []
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_study(tiny_config(), device="cpu", on_note=said.append)
        path.write_bytes(content)
    without, damaged = begun
    assert without == damaged
    assert said[0] == said[1]
    assert "manifest.json is missing or damaged: 4 of 4 networks" in said[0]


def test_what_is_not_whole_is_not_taken(ran_copy: Study) -> None:
    everything = {cell.name for cell in ran_copy.cells}
    assert adopted(ran_copy) == everything
    content = bytearray(ran_copy.path("models", STUDENT).read_bytes())
    content[-5] ^= 8
    ran_copy.path("models", STUDENT).write_bytes(content)
    ran_copy.path("history", "resnet18-a1.0-s0").unlink()
    assert adopted(ran_copy) == everything - {STUDENT, "resnet18-a1.0-s0"}


def test_of_other_settings_nothing_is_taken(ran_copy: Study) -> None:
    assert adopted(ran_copy, unchanged=False) == set()


@pytest.mark.parametrize(
    "change",
    [{"alpha": 0.5}, {"seed": 1}, {"image_size": 64}, {"teacher": "another"}, {"classes": ("a", "b", "c")}],
)
def test_a_header_that_says_otherwise_is_not_taken(ran_copy: Study, change: dict[str, object]) -> None:
    path = ran_copy.path("models", STUDENT)
    model, header = load_model(path)
    save_model(path, model, replace(header, **change))  # type: ignore[arg-type]
    assert STUDENT not in adopted(ran_copy)


@pytest.mark.parametrize("change", [{"students": {"width": 0.5}}, {"training": {"epochs": 9}}])
def test_settings_that_the_files_do_not_have(ran_copy: Study, change: dict[str, object]) -> None:
    ran_copy.config = tiny_config(**change)
    assert adopted(ran_copy) == set()
