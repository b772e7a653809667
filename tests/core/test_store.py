import errno
import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import store
from core.errors import Unreadable, UserError
from tests.faults import few_files

ARRAYS = {"ids": np.arange(3), "logits": np.array([[0.5, np.nan], [np.inf, -1], [2, 3]], np.float16)}
TABLE = pd.DataFrame({"image": [1, 2, 3], "value": np.array([0.1, np.nan, -np.inf], np.float32), "what": list("aüb")})


def write(kind: str, path: Path) -> None:
    if kind == "json":
        store.write_json(path, {"b": [1, 2.5, None], "a": "α"})
    elif kind == "table":
        store.write_table(path, TABLE)
    else:
        store.write_arrays(path, ARRAYS)


READ = {"json": store.read_json, "table": store.read_table, "arrays": store.read_arrays}


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    for kind in READ:
        write(kind, tmp_path / "new" / kind)
    assert store.read_json(tmp_path / "new" / "json") == {"b": [1, 2.5, None], "a": "α"}
    pd.testing.assert_frame_equal(store.read_table(tmp_path / "new" / "table"), TABLE)
    arrays = store.read_arrays(tmp_path / "new" / "arrays")
    assert arrays.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], value)
        assert arrays[name].dtype == value.dtype
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(READ)


def test_arrays_may_lie_in_memory_as_they_like(tmp_path: Path) -> None:
    turned = np.arange(6.0).reshape(2, 3).T
    store.write_arrays(tmp_path / "a", {"x": turned})
    np.testing.assert_array_equal(store.read_arrays(tmp_path / "a")["x"], turned)


@pytest.mark.parametrize("kind", READ)
def test_the_same_content_is_the_same_bytes(kind: str, tmp_path: Path) -> None:
    write(kind, tmp_path / "a")
    write(kind, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("kind", READ)
def test_a_missing_or_damaged_file_is_one_sentence_with_its_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.x"
    with pytest.raises(UserError, match=r"There is no file .*file\.x"):
        READ[kind](path)
    write(kind, path)
    whole = path.read_bytes()
    damaged = [b"", b"hello", whole[: len(whole) // 2], b"\xff" * 40 + whole[40:], pickle.dumps(print)]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"file\.x is damaged") as caught:
            READ[kind](path)
        assert "\n" not in str(caught.value)


class Payload:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("kind", READ)
def test_a_pickle_in_their_place_does_not_run(kind: str, tmp_path: Path) -> None:
    (tmp_path / "evil").write_bytes(pickle.dumps(Payload(tmp_path / "it ran")))
    with pytest.raises(UserError):
        READ[kind](tmp_path / "evil")
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    store.write_bytes(path, b"old")

    def full(*args: object) -> None:
        assert path.read_bytes() == b"old", "never a moment without a whole file"
        raise OSError(errno.ENOSPC, "No space left on device")

    if moment == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match=r"file cannot be written: No space left on device"):
        store.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("a file")
    with pytest.raises(UserError, match="cannot be written"):
        store.write_bytes(tmp_path / "in the way" / "file", b"")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "No space left on device; make room there and try again, what was done before is kept."),
        (errno.EROFS, "Read-only file system; choose another folder, or have this one opened for writing."),
        (errno.EACCES, "Permission denied; choose another folder, or have this one opened for writing."),
        (errno.EIO, "Input/output error."),
    ],
)
def test_a_sentence_says_what_helps(number: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError) as caught:
        store.write_json(tmp_path / "file", {})
    assert str(caught.value) == f"{tmp_path / 'file'} cannot be written: {said}"


@pytest.mark.parametrize("kind", READ)
def test_what_cannot_be_opened_is_not_called_damaged_or_missing(kind: str, tmp_path: Path) -> None:
    write(kind, tmp_path / "file")
    READ[kind](tmp_path / "file")
    with few_files(0):
        try:
            READ[kind](tmp_path / "file")
        except UserError as error:
            said = error
    assert isinstance(said, Unreadable)
    assert str(said).startswith(f"{tmp_path / 'file'} cannot be read: Too many open files; ")


def test_a_writer_that_died_does_not_disturb(tmp_path: Path) -> None:
    left = tmp_path / "within" / ".file.0123abcd.tmp"
    store.write_bytes(left.with_name("file"), b"whole")
    left.write_bytes(b"half")
    left.with_name("mine.tmp").write_bytes(b"somebody's own")
    assert (tmp_path / "within" / "file").read_bytes() == b"whole"
    store.remove_unfinished(tmp_path)
    assert sorted(path.name for path in left.parent.iterdir()) == ["file", "mine.tmp"]


def test_checksums(tmp_path: Path) -> None:
    content = os.urandom(100_000)
    (tmp_path / "file").write_bytes(content)
    assert store.sha256_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_the_same_value_has_the_same_name() -> None:
    assert store.digest_of({"a": 1, "b": [2.0, "x"]}) == store.digest_of({"b": [2.0, "x"], "a": 1})
    values = [{"a": 1}, {"a": 2}, {"a": "1"}, {"b": 1}, [1], [1, 1], None, "", [[1], 1], [[1, 1]]]
    assert len({store.digest_of(value) for value in values}) == len(values)


def test_arrays_joined_from_pieces_and_mapped_are_what_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    whole = {"a b": rng.random((7, 3, 2)).astype(np.float16), "ids": np.arange(7), "none": np.zeros((0, 4), np.float32)}
    store.join_arrays(tmp_path / "joined", {name: [array[:2], array[2:2], array[2:]] for name, array in whole.items()})
    for found in (store.read_arrays(tmp_path / "joined"), store.map_arrays(tmp_path / "joined", *whole)):
        assert found.keys() == whole.keys()
        for name, array in whole.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
    mapped = store.map_arrays(tmp_path / "joined", "a b")["a b"]
    assert isinstance(mapped, np.memmap), "it takes no memory"
    np.testing.assert_array_equal(mapped[[5, 0]], whole["a b"][[5, 0]])
    store.write_arrays(tmp_path / "written", whole)
    np.testing.assert_array_equal(store.map_arrays(tmp_path / "written", "a b")["a b"], whole["a b"])
    with pytest.raises(UserError, match="damaged"):
        store.map_arrays(tmp_path / "written", "of another name")
    (tmp_path / "written").write_bytes((tmp_path / "written").read_bytes()[:-1])
    with pytest.raises(UserError, match="damaged"):
        store.map_arrays(tmp_path / "written", "a b")
    with pytest.raises(UserError, match="There is no file"):
        store.map_arrays(tmp_path / "nowhere", "a b")


@pytest.mark.parametrize("cuts", [[1], [3, 4, 11], [20, 39]])
def test_tables_joined_are_the_same_bytes_wherever_they_were_cut(
    cuts: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "ROW_GROUP", 8)
    parts = pd.Categorical(["beak", "wing", "tail", "beak"] * 10, ["tail", "wing", "beak", "eye"])
    whole = pd.DataFrame({"part": parts, "mass": np.linspace(0, 1, 40, dtype=np.float32), "image": range(40)})
    whole.loc[5:9, "mass"] = np.nan
    columns = {"part": "category", "mass": "real", "image": "int"}
    pieces = []
    for start, stop in zip([0, *cuts], [*cuts, 40], strict=True):
        pieces.append(tmp_path / f"{start}.parquet")
        store.write_table(pieces[-1], whole[start:stop].reset_index(drop=True))
    store.write_table(tmp_path / "whole.parquet", whole)
    for name, tables in (("once", [tmp_path / "whole.parquet"]), ("cut", pieces)):
        store.join_tables(tmp_path / name, tables, columns)
    assert (tmp_path / "cut").read_bytes() == (tmp_path / "once").read_bytes()
    pd.testing.assert_frame_equal(store.read_table(tmp_path / "cut", columns), whole)


def test_a_folder_that_is_removed_while_it_is_empty_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = list[Path](), Path.mkdir

    def removed(folder: Path, parents: bool, exist_ok: bool) -> None:
        real(folder, parents=parents, exist_ok=exist_ok)
        made.append(folder)
        if len(made) < 3:
            folder.rmdir()

    monkeypatch.setattr(Path, "mkdir", removed)
    store.write_bytes(tmp_path / "a" / "b", b"whole")
    assert (tmp_path / "a" / "b").read_bytes() == b"whole"
