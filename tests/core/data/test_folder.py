import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config import Data
from core.data import open_dataset
from core.data.folder import folder
from core.errors import UserError


def fill(parent: Path, counts: dict[str, int], suffix: str = ".png") -> None:
    for name, count in counts.items():
        (parent / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.random.default_rng(i).integers(0, 256, (40, 50, 3), np.uint8)
            Image.fromarray(pixels).save(parent / name / f"{i:02}{suffix}")


def config(root: Path, **changes: object) -> Data:
    return Data(dataset="folder", root=str(root), **{"image_size": 32, "segments": 9, **changes})  # type: ignore[arg-type]


def sizes(root: Path, **changes: object) -> list[int]:
    dataset = folder(config(root, **changes))
    return [len(dataset.ids(split)) for split in ("train", "validation", "test")]


def test_class_folders_are_split_by_class(tmp_path: Path) -> None:
    root = tmp_path / "flowers"
    fill(root, {"tulip": 20, "aster": 10, "rose": 10})
    dataset = open_dataset(config(root, test_fraction=0.2, validation_fraction=0.25))
    assert dataset.classes == ("aster", "rose", "tulip")
    assert dataset.knows == "3 classes of photos from the folder flowers"
    assert dataset.parts == tuple(f"region {i}" for i in range(1, 10))
    assert not dataset.named_parts
    counts = dataset.table.groupby(["split", "label"]).size()
    assert counts["test"].tolist() == [2, 2, 4]
    assert counts["validation"].tolist() == [2, 2, 4]
    assert counts["train"].tolist() == [6, 6, 12]
    assert dataset.table["source"][0] == "aster/00.png"
    assert dataset.table["id"].tolist() == list(range(40))


def test_the_split_follows_the_seed(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 15, "b": 15})
    first, again, other = (folder(config(tmp_path, seed=seed)) for seed in (0, 0, 1))
    assert first.table.equals(again.table)
    assert not np.array_equal(first.ids("test"), other.ids("test"))
    assert not np.array_equal(first.ids("validation"), other.ids("validation"))


@pytest.mark.parametrize("name", ["val", "test"])
def test_train_and_one_more(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "train", {"a": 10, "b": 10})
    fill(tmp_path / name, {"a": 3, "b": 4})
    assert sizes(tmp_path, validation_fraction=0.2) == [16, 4, 7]
    table = folder(config(tmp_path)).table
    assert (table["source"].str.startswith(name) == (table["split"] == "test")).all()


def test_train_val_and_test_are_taken_as_they_are(tmp_path: Path) -> None:
    for name, count in (("train", 5), ("val", 2), ("test", 3)):
        fill(tmp_path / name, {"a": count, "b": count})
    assert sizes(tmp_path) == [10, 4, 6]
    table = folder(config(tmp_path)).table
    assert set(table.loc[table["split"] == "validation", "source"].str[:3]) == {"val"}


def test_reading_gives_the_middle_and_its_superpixels(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 4, "b": 4}, ".JPG")
    dataset = folder(config(tmp_path))
    image, parts = dataset.read(5)
    assert image.shape == (32, 32, 3)
    assert parts.shape == (32, 32)
    assert image.dtype == parts.dtype == np.uint8
    assert parts.min() == 1
    assert parts.max() <= len(dataset.parts)
    for here, there in zip((image, parts), pickle.loads(pickle.dumps(dataset.read))(5), strict=True):
        assert np.array_equal(here, there)


def test_a_corrupt_photo_is_named_when_it_is_read(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 4, "b": 4})
    (tmp_path / "b/02.png").write_bytes(b"not a photo")
    dataset = folder(config(tmp_path))
    dataset.read(5)
    with pytest.raises(UserError, match=r"b/02\.png is not an image"):
        dataset.read(6)


def test_hidden_files_and_other_kinds_do_not_count(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 4, "b": 4})
    (tmp_path / "a/._00.jpg").write_bytes(b"")
    (tmp_path / "a/notes.txt").write_text("x")
    (tmp_path / "README.md").write_text("x")
    fill(tmp_path, {".hidden": 0, "__MACOSX": 0})
    dataset = folder(config(tmp_path))
    assert dataset.classes == ("a", "b")
    assert len(dataset.table) == 8


def test_the_digest_follows_settings_and_files(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 4, "b": 4})
    digest = folder(config(tmp_path)).digest
    assert digest == folder(config(tmp_path, crop="image")).digest
    for change in ({"image_size": 33}, {"seed": 1}, {"segments": 10}, {"test_fraction": 0.3}):
        assert folder(config(tmp_path, **change)).digest != digest
    os.utime(tmp_path / "a/01.png", ns=(0, 1))
    assert folder(config(tmp_path)).digest != digest


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    def message(name: str) -> str:
        with pytest.raises(UserError) as caught:
            folder(config(tmp_path / name))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "There is no folder" in message("nowhere")
    (tmp_path / "bare").mkdir()
    assert "bare has 0 class folders; two are needed" in message("bare")
    fill(tmp_path / "one", {"a": 3})
    assert "one has 1 class folders" in message("one")
    fill(tmp_path / "hole", {"a": 3, "b": 0})
    assert "hole/b has no images" in message("hole")
    fill(tmp_path / "alone/train", {"a": 3, "b": 3})
    assert "neither val nor test" in message("alone")
    fill(tmp_path / "untaught/val", {"a": 3, "b": 3})
    assert "no folder train" in message("untaught")
    fill(tmp_path / "differ/train", {"a": 3, "b": 3})
    fill(tmp_path / "differ/val", {"a": 3, "c": 3})
    assert "must have the same classes, not so: b" in message("differ")
    fill(tmp_path / "empty", {"a": 3, "b": 3})
    for i in range(2):
        (tmp_path / f"empty/a/{i:02}.png").write_bytes(b"")
    assert "has empty image files: a/00.png and 1 more" in message("empty")
    fill(tmp_path / "few", {"a": 1, "b": 1})
    assert "leaves no image for the validation split" in message("few")
    fill(tmp_path / "broken", {"a": 3, "b": 3})
    (tmp_path / "broken/a/link.png").symlink_to(tmp_path / "gone.png")
    assert "cannot be read: a/link.png" in message("broken")


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (500, 2), (31, 33)])
def test_images_of_any_size_are_read(tmp_path: Path, shape: tuple[int, int]) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.fromarray(np.full((*shape, 3), 60 * i, np.uint8)).save(tmp_path / name / f"{i}.png")
    image, parts = folder(config(tmp_path)).read(2)
    assert image.shape == (32, 32, 3)
    assert (image == 120).all()
    assert 1 <= parts.min() <= parts.max() <= 9


def test_a_thousand_classes(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(b"an image that nobody opens")
    for label in range(1000):
        (tmp_path / f"{label:04}").mkdir()
        for i in range(3):
            os.link(tmp_path / "one.png", tmp_path / f"{label:04}" / f"{i}.png")
    dataset = folder(config(tmp_path))
    assert len(dataset.classes) == 1000
    assert dataset.table.groupby(["split", "label"]).size().tolist() == [1] * 3000
