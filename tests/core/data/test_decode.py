from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config import Data
from core.data import decode
from core.data.dataset import Dataset
from core.data.decode import decoded
from core.data.folder import folder as folder_dataset
from core.errors import UserError
from tests.faults import Faults


class Counting:
    """Images of 8 × 8 that hold their own id; counts how often it was asked."""

    def __init__(self) -> None:
        self.reads: list[int] = []
        self.broken = -1

    def __call__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        self.reads.append(index)
        if index == self.broken:
            raise UserError(f"{index}.jpg is damaged.")
        return np.full((8, 8, 3), index, np.uint8), np.full((8, 8), index % 3, np.uint8)


@pytest.fixture
def read() -> Counting:
    return Counting()


@pytest.fixture
def dataset(read: Counting) -> Dataset:
    return Dataset(("a", "b"), ("p", "q"), "nothing", pd.DataFrame(), read, "digest")


def ignore(done: int, total: int) -> None:
    pass


def test_images_come_in_order_read_only_and_once(dataset: Dataset, read: Counting, tmp_path: Path) -> None:
    ids = [5, 2, 9, 200]
    images, parts = decoded(dataset, ids, tmp_path / "new", 1, ignore)
    assert isinstance(images, np.memmap)
    assert isinstance(parts, np.memmap)
    assert images.shape == (4, 8, 8, 3)
    assert parts.shape == (4, 8, 8)
    assert images[:, 0, 0, 0].tolist() == ids
    assert parts[:, 0, 0].tolist() == [2, 2, 0, 2]
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0
    read.reads.clear()
    again, _ = decoded(dataset, np.array(ids), tmp_path / "new", 1, ignore)
    assert np.array_equal(again, images)
    assert len(read.reads) == 1, "one image, for its size"
    assert not list(tmp_path.rglob("*.tmp"))


def test_other_ids_or_another_dataset_are_other_files(dataset: Dataset, read: Counting, tmp_path: Path) -> None:
    first, _ = decoded(dataset, [1, 2], tmp_path, 1, ignore)
    second, _ = decoded(dataset, [3, 4], tmp_path, 1, ignore)
    other = Dataset((), (), "", pd.DataFrame(), lambda i: read(i + 50), "other digest")
    third, _ = decoded(other, [1, 2], tmp_path, 1, ignore)
    assert [int(array[0, 0, 0, 0]) for array in (first, second, third)] == [1, 3, 51]


def test_chunks_are_written_one_by_one(
    dataset: Dataset, read: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "CHUNK_BYTES", 3 * 8 * 8 * 4)
    seen: list[tuple[int, int, int]] = []
    decoded(dataset, range(10), tmp_path, 1, lambda done, total: seen.append((done, total, len(read.reads) - 1)))
    assert seen == [(3, 10, 3), (6, 10, 6), (9, 10, 9), (10, 10, 10)], "never read further than written"
    seen.clear()
    decoded(dataset, range(10), tmp_path, 1, lambda done, total: seen.append((done, total, 0)))
    assert seen == [(10, 10, 0)]


@pytest.mark.parametrize("which", ["images", "parts"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:20]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x80\x04K\x01."),
        lambda path: path.write_bytes(b"PK\x03\x04" + bytes(200)),
        lambda path: np.save(path, np.zeros((4, 9, 9, 3), np.uint8)),
        lambda path: np.save(path, np.load(path).astype(np.int8)),
        lambda path: np.save(path, np.array([{}], dtype=object), allow_pickle=True),
        lambda path: path.unlink(),
    ],
)
def test_damaged_files_are_made_again(dataset: Dataset, tmp_path: Path, which: str, damage) -> None:
    good, good_parts = (np.array(array) for array in decoded(dataset, [4, 5, 6, 7], tmp_path, 1, ignore))
    damage(next(tmp_path.glob(f"{which}-*.npy")))
    images, parts = decoded(dataset, [4, 5, 6, 7], tmp_path, 1, ignore)
    assert np.array_equal(images, good)
    assert np.array_equal(parts, good_parts)
    assert images.dtype == parts.dtype == np.uint8


@pytest.mark.parametrize("nth", [1, 2])
def test_files_that_cannot_be_opened_now_are_not_made_again(
    nth: int, dataset: Dataset, read: Counting, tmp_path: Path
) -> None:
    images, _ = decoded(dataset, [0, 1, 2], tmp_path, 1, ignore)
    read.reads.clear()
    with (
        Faults(tmp_path, "read", "EMFILE", nth),
        pytest.raises(UserError, match=r"cannot be read: Too many open files"),
    ):
        decoded(dataset, [0, 1, 2], tmp_path, 1, ignore)
    assert read.reads == [0], "which tells their size"
    np.testing.assert_array_equal(decoded(dataset, [0, 1, 2], tmp_path, 1, ignore)[0], images)


def test_an_image_that_cannot_be_read_leaves_nothing_behind(
    dataset: Dataset, read: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "CHUNK_BYTES", 1)
    read.broken = 7
    with pytest.raises(UserError, match=r"^7\.jpg is damaged\.$"):
        decoded(dataset, range(10), tmp_path, 1, ignore)
    assert not list(tmp_path.iterdir())


def test_a_cancelled_run_leaves_nothing_behind(dataset: Dataset, tmp_path: Path) -> None:
    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decoded(dataset, range(10), tmp_path, 1, cancel)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot be kept in .*file"):
        decoded(dataset, [1], tmp_path / "file", 1, ignore)


def test_processes_give_what_one_gives_and_pass_errors_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "FEW", 1)
    monkeypatch.setattr(decode, "CHUNK_BYTES", 2 * 32 * 32 * 4)
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(9):
            pixels = np.random.default_rng(i).integers(0, 256, (40, 50, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"photos/{name}/{i}.png")
    config = Data(dataset="folder", root=str(tmp_path / "photos"), image_size=32)
    dataset = folder_dataset(config)
    ids = dataset.table["id"].to_numpy()[::-1]
    progress: list[int] = []
    many = decoded(dataset, ids, tmp_path / "many", 2, lambda done, total: progress.append(done))
    for array, alone in zip(many, dataset.load(ids), strict=True):
        assert np.array_equal(array, alone)
    assert progress == [2, 4, 6, 8, 10, 12, 14, 16, 18]

    (tmp_path / "photos/b/4.png").write_bytes(b"not a photo")
    dataset = folder_dataset(config)
    with pytest.raises(UserError, match=r"b/4\.png is not an image"):
        decoded(dataset, [12, 13], tmp_path / "many", 2, ignore)  # the first is read here, the second in a worker
    assert not list(tmp_path.rglob("*.tmp"))


def test_no_ids_is_a_mistake(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one id"):
        decoded(dataset, [], tmp_path, 1, ignore)
