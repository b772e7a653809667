"""No path outside a study's folder is read or written, whatever its files and names say."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config import parse_config
from core.contained import is_plain
from core.errors import UserError
from core.live import scene_of_image
from core.manifest import read_manifest
from core.overview import overview
from core.run.begin import begin
from core.run.complete import run_study
from core.store import sha256_file, write_json, write_table
from core.study import Study, open_study
from tests.core.test_cli import Call, call
from tests.tiny import tiny_config

__all__ = ["call"]

STUDENT = "resnet18-a0.1-s0"
OUTSIDE = [
    "../precious",
    "/precious",
    "models/../../precious",
    "a\0b",
    "models\\..\\..\\x",
    "C:x",
    ".hidden",
    "",
    "a//b",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_manifest_names_files_of_its_study_only(name: str, ran_copy: Study, here: None) -> None:
    precious = ran_copy.folder.parent / "precious"
    precious.write_text("mine")
    entry = {"sha256": sha256_file(precious), "key": ""}
    for content in ({"files": {name: entry}}, {"files": {}, "left_out": {name: ""}}):
        write_json(ran_copy.folder / "manifest.json", content)
        for read in (ran_copy.damaged, ran_copy.whole, lambda: read_manifest(ran_copy.folder)):
            with pytest.raises(UserError, match=r"manifest\.json is damaged \(it names"):
                read()
    assert overview("small").word == "damaged"
    assert precious.read_text() == "mine"
    assert not is_plain(name)


def linked(study: Study, place: str, elsewhere: Path) -> Path:
    """Move a file or a folder of a study elsewhere, and leave a link to it."""
    path = study.folder / place
    if path.exists():
        shutil.move(path, elsewhere)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        elsewhere.mkdir()
        (elsewhere / "mine").write_text("mine")
    path.symlink_to(elsewhere)
    return path


LINKS = [
    "study.toml",
    "manifest.json",
    "summary.parquet",
    f"logits/{STUDENT}.safetensors",
    "models",
    "maps/saliency",
    "state",
    f"state/explain/{STUDENT}",
    "replay/s0",
]


@pytest.mark.parametrize("place", LINKS)
def test_a_link_out_of_a_study_is_not_followed(
    place: str, ran_copy: Study, call: Call, tmp_path: Path, no_processes: None
) -> None:
    elsewhere = tmp_path / "elsewhere"
    path = linked(ran_copy, place, elsewhere)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    for arguments in (["show"], ["verify"], ["report", "--out", tmp_path / "r.html"], ["run"], ["expect"]):
        result = call(arguments[0], "small", *arguments[1:])
        assert (result.code, result.err.count("\n")) == (1, 1), result.err
        assert f"{path} is a link" in result.err
    assert call("list").code == 0
    assert overview("small").word == "damaged"
    with pytest.raises(UserError, match="is a link"):
        run_study(tiny_config(), device="cpu")
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_study_may_be_reached_by_a_link_but_holds_no_pipe(ran: Study, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(ran.folder)
    assert open_study(tmp_path / "link").complete()
    (tmp_path / "study").mkdir()
    shutil.copy(ran.folder / "study.toml", tmp_path / "study")
    os.mkfifo(tmp_path / "study" / "images.parquet")
    with pytest.raises(UserError, match="is neither a file nor a folder"):
        Study(tmp_path / "study")


@pytest.mark.parametrize(
    "name", ["...safetensors", ".safetensors", "..a.safetensors", "a b.safetensors", "é.safetensors"]
)
def test_a_file_of_a_name_that_no_network_is_given_is_no_network(name: str, ran_copy: Study) -> None:
    shutil.copy(ran_copy.path("models", STUDENT), ran_copy.folder / "models" / name)
    assert len(Study(ran_copy.folder).cells) == 4
    assert overview("small").cells == 4


def test_what_is_swept_out_of_a_study_is_its_own(ran_copy: Study, tmp_path: Path) -> None:
    """What killed writers left is removed, not what a link beside it leads to."""
    from core.store import remove_unfinished

    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / ".mine.tmp").write_text("mine")
    (ran_copy.folder / "link").symlink_to(kept)
    (ran_copy.folder / ".file.tmp").symlink_to(kept / ".mine.tmp")
    remove_unfinished(ran_copy.folder)
    assert (kept / ".mine.tmp").read_text() == "mine"
    assert not (ran_copy.folder / ".file.tmp").exists(follow_symlinks=False) if hasattr(Path, "walk") else True


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(6):
            pixels = np.full((40, 40, 3), 40 * i, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def test_only_the_images_that_a_study_was_made_from_are_shown(photos: Path, tmp_path: Path) -> None:
    """Settings from elsewhere may name any folder of this machine; and images may have come since."""
    tree = {"name": "shared", "data": {"dataset": "folder", "root": str(photos), "image_size": 32}}
    study = begin(parse_config(tree, tmp_path / "x.toml"), tmp_path / "shared", {})
    listed = study.dataset.table.assign(visible_parts=3, explained=False, kept=False)
    write_table(study.folder / "images.parquet", listed)
    assert scene_of_image(study, 0).image.shape == (32, 32, 3)
    for other in (listed.assign(source=[f"x{i}" for i in range(12)]), listed.iloc[::-1], listed.iloc[:5]):
        write_table(study.folder / "images.parquet", other)
        with pytest.raises(UserError, match=f"What lies in {photos} are not the images that 'shared' was made from"):
            scene_of_image(Study(study.folder), 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_size", 10**9),
        ("image_size", 32.5),
        ("classes", ["a"] * 200_000),
        ("classes", []),
        ("classes", "abc"),
        ("width", 1e9),
        ("width", float("nan")),
        ("mean", [0.5, 0.5]),
        ("std", [0.2, 0, 0.2]),
        ("std", [0.2, float("inf"), 0.2]),
        ("alpha", "high"),
        ("seed", -1),
        ("architecture", None),
        ("architecture", "[" * 5000),
    ],
)
def test_what_a_network_says_of_itself_is_checked(field: str, value: object, ran_copy: Study) -> None:
    path = ran_copy.path("models", STUDENT)
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"][field] = json.dumps(value)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[end:])
    (ran_copy.folder / "manifest.json").unlink()
    for read in (ran_copy.model, ran_copy.header):
        with pytest.raises(UserError, match=rf"{STUDENT}\.safetensors is damaged .*{field}"):
            read(STUDENT)
