"""Every file of a study, damaged in every way, one at a time; and what damage a run mends."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core import manifest
from core.errors import UserError
from core.given import changed
from core.header import Header
from core.manifest import Manifest, read_manifest, write_manifest
from core.models import build, save_model
from core.overview import overview
from core.run.complete import run_study
from core.store import sha256_file
from core.study import Study, open_study
from tests.core.test_cli import Call, call, contents
from tests.same import same_numbers
from tests.tiny import tiny_config, tiny_study

__all__ = ["call"]

STUDENT = "resnet18-a0.1-s0"
READERS: dict[str, Callable[[Study, str], object]] = {
    "images": lambda study, cell: study.images(),
    "costs": lambda study, cell: study.costs(),
    "summary": lambda study, cell: study.summary(),
    "models": lambda study, cell: study.model(cell),
    "history": lambda study, cell: study.history(cell),
    "logits": lambda study, cell: study.logits(cell),
    "maps/saliency": lambda study, cell: study.maps(cell, "saliency"),
    "maps/integrated_gradients": lambda study, cell: study.maps(cell, "integrated_gradients"),
    "importance": lambda study, cell: study.importance(cell),
    "measures": lambda study, cell: study.measures(cell),
    "parts": lambda study, cell: study.parts(cell),
}
"""By kind of file: what reads it."""


@pytest.fixture(scope="session")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the same networks on other images: a file of each kind, whole but another's."""
    folder = tiny_study(tmp_path_factory.mktemp("another") / "tiny")
    for cell in Study(folder).cells:
        network = build(cell.architecture, 4, 0.0625, "small")
        header = Header(cell.architecture, 0.0625, "small", tuple("abcd"), 32, (0.5,) * 3, (0.2,) * 3, cell.alpha, 0)
        save_model(folder / "models" / f"{cell.name}.safetensors", network, header)
    files = {name: {"sha256": sha256_file(folder / name), "key": "another"} for name in names(folder)}
    write_manifest(folder, Manifest(files, {}, sha256_file(folder / "study.toml")))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def truncate(path: Path, other: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flip(path: Path, other: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)


def remove(path: Path, other: Path) -> None:
    path.unlink()


def swap(path: Path, other: Path) -> None:
    shutil.copy(other, path)


def sentence(error: UserError) -> str:
    assert "\n" not in str(error)
    return str(error)


@pytest.mark.parametrize("harm", [truncate, flip, remove, swap])
def test_verify_names_a_damaged_file_and_whoever_reads_it_says_so(
    harm: Callable[[Path, Path], None], ran_copy: Study, another: Path, call: Call
) -> None:
    folder, files = ran_copy.folder, names(ran_copy.folder)
    whole = {name: (folder / name).read_bytes() for name in files}
    assert len(files) == 43
    for name in files:
        manifest._checksum.cache_clear()  # files of a test are written within one tick of the clock
        path = folder / name
        harm(path, another / name)
        assert path.exists() != (harm is remove)
        verified = call("verify", "small")
        assert verified.code == 1, name
        assert verified.err.count("\n") == 1, (name, verified.err)
        assert overview("small").word != "complete", name
        if name in ("study.toml", "manifest.json"):
            assert name in verified.out + verified.err or (name, harm) == ("study.toml", remove)
        else:
            study = open_study("small")
            assert study.damaged() == [name]
            assert f"damaged or missing: {name}" in verified.out
            kind, _, cell = name.rpartition("/")
            with pytest.raises(UserError) as caught:
                READERS[kind or Path(name).stem](study, Path(cell).stem)
            if (name, harm) != ("summary.parquet", remove):  # a study without it is not finished, which is said
                assert name in sentence(caught.value)
            assert "python -m core run small" in sentence(caught.value)
        path.write_bytes(whole[name])
    manifest._checksum.cache_clear()
    assert call("verify", "small").code == 0


def test_a_run_mends_what_is_damaged_and_nothing_else(ran_copy: Study, ran: Study, another: Path, here: None) -> None:
    """One of every kind at once, each of them another network's where that tells more."""
    folder = ran_copy.folder
    teacher, plain, other = (cell.name for cell in ran_copy.cells[:3])
    harms = {
        "images.parquet": truncate,
        "costs.parquet": flip,
        f"history/{STUDENT}.parquet": swap,
        f"logits/{other}.safetensors": truncate,
        f"maps/saliency/{plain}.safetensors": remove,
        f"importance/{plain}.parquet": swap,
        f"measures/{teacher}.parquet": flip,
        f"parts/{STUDENT}.parquet": remove,
        "summary.parquet": swap,
    }
    before = {name: (folder / name).stat().st_mtime_ns for name in names(folder)}
    for name, harm in harms.items():
        harm(folder / name, another / name)
    assert sorted(ran_copy.damaged()) == sorted(harms)
    study = run_study(tiny_config(), device="cpu")
    assert study.damaged() == changed(study) == []
    same_numbers(study, ran)
    written = {name for name in names(folder) if (folder / name).stat().st_mtime_ns != before.get(name)}
    made_with = {  # a task makes several files; the teacher's full maps, which others need, are not kept
        f"models/{STUDENT}.safetensors",
        f"maps/integrated_gradients/{plain}.safetensors",
        f"parts/{teacher}.parquet",
        f"measures/{STUDENT}.parquet",
        f"importance/{teacher}.parquet",
        *(f"maps/{method}/{teacher}.safetensors" for method in study.config.explain.methods),
    }
    assert written - {"manifest.json", "study.toml"} == set(harms) | made_with


def test_settings_that_are_gone_are_written_anew_and_nothing_is_trained(ran_copy: Study, no_processes: None) -> None:
    before = contents(ran_copy.folder)
    (ran_copy.folder / "study.toml").write_text("[data")
    with pytest.raises(UserError, match=r"study\.toml is damaged \(.*Put it back; or remove it, and run"):
        run_study(tiny_config(), device="cpu")
    (ran_copy.folder / "study.toml").unlink()
    study = run_study(tiny_config(), device="cpu")
    after = contents(ran_copy.folder)
    assert {path.name for path in before if before[path] != after[path]} == {"study.toml", "manifest.json"}
    assert changed(study) == []


@pytest.mark.parametrize("change", [b"sha256", b"key", b"settings", b"digest", b"files"])
def test_a_manifest_that_was_changed_is_damaged(change: bytes, ran_copy: Study) -> None:
    """Whatever of it: also a key, without which a run would make a whole file again."""
    path = ran_copy.folder / "manifest.json"
    content = path.read_bytes()
    at = content.index(b'"' + change + b'"')
    for place in (at + 1, at + len(change) + 8):
        flipped = bytearray(content)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(UserError, match=r"manifest\.json is damaged"):
            read_manifest(ran_copy.folder)
