"""Readers of files on whatever bytes: an answer or one sentence, no code run, no memory beyond what a file holds."""

import json
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from core.columns import IMAGES, SUMMARY
from core.config import read_config
from core.errors import UserError
from core.header import read_header
from core.live.cache import LiveCache
from core.manifest import Manifest, read_manifest, write_manifest
from core.models import load_model
from core.parquet import LEAST
from core.run.curves import _state
from core.run.status import read_status
from core.store import join_tables, read_arrays, read_table, write_bytes, write_table
from core.study import Study

STUDENT = "resnet18-a0.1-s0"
BOUNDED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)

READERS: dict[str, Callable[[Path], object]] = {
    "study.toml": lambda path: (Study(path.parent), read_config(str(path))),
    "manifest.json": lambda path: read_manifest(path.parent),
    "state/run.json": lambda path: read_status(path.parent.parent),
    "images.parquet": lambda path: read_table(path, IMAGES),
    "summary.parquet": lambda path: read_table(path, SUMMARY),
    f"logits/{STUDENT}.safetensors": lambda path: Study(path.parents[1]).logits(STUDENT),
    f"maps/saliency/{STUDENT}.safetensors": lambda path: Study(path.parents[2]).maps(STUDENT, "saliency"),
    f"models/{STUDENT}.safetensors": lambda path: (read_header(path), load_model(path), _state(path)),
}


def read(name: str, folder: Path) -> object:
    """Give a reader a file: an answer, or one sentence."""
    try:
        return READERS[name](folder / name)
    except UserError as error:
        said = str(error)
    assert "\n" not in said
    return None


@pytest.fixture
def folder(ran: Study, tmp_path: Path) -> Path:
    """A study whose manifest lists one file: of the others nobody knows beforehand what they should be."""
    for name in READERS:
        content = (ran.folder / name).read_bytes() if (ran.folder / name).exists() else b"{}"
        if name == "state/run.json":
            content = json.dumps({"pid": 1, "stamp": "x", "since": "y", "running": {"train": "epoch 1"}}).encode()
        write_bytes(tmp_path / name, content)
    write_manifest(tmp_path, Manifest({"costs.parquet": ran.manifest["costs.parquet"]}))
    return tmp_path


@pytest.mark.parametrize("name", READERS)
@BOUNDED
@given(data=st.data())
def test_damaged_bytes(name: str, folder: Path, data: st.DataObject) -> None:
    """Cut, flipped, doubled, or with other bytes within: mostly in what a file says of itself, at either end."""
    path = folder / name
    whole = path.read_bytes()
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        near = data.draw(st.integers(0, min(len(content), 600)))
        at = data.draw(st.sampled_from([near, max(0, len(content) - near), near * max(1, len(content) // 600)]))
        way = data.draw(st.sampled_from(["flip", "cut", "put", "drop", "repeat"]))
        if way == "flip" and at < len(content):
            content[at] ^= 1 << data.draw(st.integers(0, 7))
        elif way == "cut":
            del content[at:]
        elif way == "put":
            content[at : at + 8] = data.draw(st.sampled_from([b"\xff" * 8, b"\0" * 8, b"9" * 8, b"-1e999,[", b"{" * 8]))
        elif way == "drop":
            del content[at : at + 5]
        elif way == "repeat":
            content[at:at] = content[at : at + 40]
    path.write_bytes(content)
    read(name, folder)
    path.write_bytes(whole)


@BOUNDED
@given(files=JSON, left_out=JSON, more=st.dictionaries(st.text(max_size=8), JSON, max_size=2))
def test_any_json(files: Any, left_out: Any, more: dict[str, Any], folder: Path) -> None:
    for content in ({"files": files, "left_out": left_out, **more}, more, files):
        text = json.dumps(content).encode()
        for name in ("manifest.json", "state/run.json"):
            (folder / name).write_bytes(text)
            read(name, folder)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"files": ' * 100_000, "9" * 100_000, "NaN", '{"files": {"a": NaN}}', "\xff"]
)
def test_json_beyond_measure(text: str, folder: Path) -> None:
    for name in ("manifest.json", "state/run.json"):
        (folder / name).write_bytes(text.encode("latin-1"))
        assert read(name, folder) is None


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000, str(2**63), f"[[{2**64}]]"])
@pytest.mark.parametrize("place", ["name", "data.seed", "students.alphas", "provenance.threads_per_cell", "z"])
def test_numbers_beyond_measure(number: str, place: str, folder: Path) -> None:
    """Python's reader of TOML refuses the first by an error of its own; the second it reads, and cannot write out."""
    path = folder / "study.toml"
    path.write_text(("" if place == "name" else "name = 'x'\n") + f"{place} = {number}\n")
    with pytest.raises(UserError, match=r"study\.toml is damaged \(a whole number is of more than 64 bits\)"):
        Study(folder)
    with pytest.raises(
        UserError, match=r"study\.toml cannot be read as .* TOML: a whole number is of more than 64 bits"
    ):
        read_config(str(path))


def test_settings_without_end(folder: Path) -> None:
    """A key of so many parts takes the reader seconds, on every page that lists studies."""
    (folder / "study.toml").write_text("a" + 20_000 * ".a" + " = 1\n")
    with pytest.raises(UserError, match=r"study\.toml is damaged \(40,006 characters, where settings have at most"):
        Study(folder)


@BOUNDED
@given(section=st.sampled_from(["data", "students", "training", "keep", "name", "more"]), tree=JSON)
def test_any_settings(section: str, tree: Any, folder: Path) -> None:
    """As JSON, much of which is TOML too."""
    (folder / "study.toml").write_text(f'name = "x"\n{section} = {json.dumps(tree)}\n', encoding="utf-8")
    read("study.toml", folder)


@BOUNDED
@given(
    kinds=st.lists(
        st.sampled_from(["int", "real", "text", "bool", "category", "list", "none", "time", "bytes"]),
        min_size=7,
        max_size=7,
    ),
    rows=st.integers(0, 3),
    twice=st.booleans(),
)
def test_any_table(kinds: list[str], rows: int, twice: bool, folder: Path) -> None:
    """Columns of the right names and any kinds, or twice the same: read only where all are of theirs."""
    values: dict[str, Any] = {
        "int": [1] * rows,
        "real": [0.5] * rows,
        "text": ["a"] * rows,
        "bool": [True] * rows,
        "category": pa.array(["a"] * rows).dictionary_encode(),
        "list": [[1]] * rows,
        "none": [None] * rows,
        "time": pd.to_datetime(["2020-01-01"] * rows),
        "bytes": [b"\xff"] * rows,
    }
    table = pa.table(
        [pa.array(values[kind]) if kind != "category" else values[kind] for kind in kinds], names=list(IMAGES)
    )
    if twice:
        table = table.append_column("id", pa.array(values["int"]))
    pq.write_table(table, folder / "images.parquet")
    found = read("images.parquet", folder)
    alike = [
        (kind == wanted) or {kind, wanted} == {"text", "category"}
        for kind, wanted in zip(kinds, IMAGES.values(), strict=True)
    ]
    if rows:
        assert (found is not None) == (all(alike) and not twice)


def test_a_table_of_the_right_kinds_is_read_and_one_with_gaps_is_not(folder: Path) -> None:
    whole = read_table(folder / "images.parquet", IMAGES)
    for name in IMAGES:
        pq.write_table(
            pa.Table.from_pandas(whole).set_column(
                list(IMAGES).index(name),
                name,
                pa.nulls(len(whole), pa.Table.from_pandas(whole).schema.field(name).type),
            ),
            folder / "images.parquet",
        )
        with pytest.raises(UserError, match=f"column '{name}' has gaps"):
            read_table(folder / "images.parquet", IMAGES)


def repeated(rows: int, letters: int) -> pa.Table:
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * letters]))
    return pa.table({"source": text})


BOMBS: dict[str, tuple[pa.Table, dict[str, Any]]] = {
    "one text in a million rows": (repeated(1_000_000, 2_000), {}),
    "the same without being called a dictionary": (repeated(1_000_000, 2_000), {"store_schema": False}),
    "a text as often as it stands there": (pa.table({"source": ["x" * 1000] * 100_000}), {"use_dictionary": False}),
    "one number in many rows": (pa.table({"source": pa.array(np.zeros(20_000_000, np.int8))}), {}),
    "lists": (pa.table({"source": [[1] * 1000] * 1000}), {}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_few_kilobytes_do_not_stand_for_gigabytes(bomb: str, tmp_path: Path) -> None:
    table, options = BOMBS[bomb]
    path = tmp_path / "small.parquet"
    pq.write_table(table, path, compression="zstd", **options)
    assert path.stat().st_size < 250_000
    before, most = pa.total_allocated_bytes(), pa.default_memory_pool().max_memory() or 0
    for columns in (None, {"source": "text"}):
        with pytest.raises(UserError, match=r"small\.parquet is damaged"):
            read_table(path, columns)
        with pytest.raises(UserError, match=r"small\.parquet is damaged"):
            join_tables(tmp_path / "joined", [path], columns or {"source": "category"})
    assert pa.total_allocated_bytes() - before < LEAST
    assert pa.default_memory_pool().max_memory() <= max(most, before + 2 * LEAST)
    assert not (tmp_path / "joined").exists()


def test_a_table_of_a_million_images_is_read(tmp_path: Path) -> None:
    count = 1_000_000
    numbers = np.arange(count)
    table = pd.DataFrame(
        {
            "id": numbers,
            "label": numbers % 1000,
            "split": "train",
            "visible_parts": np.int16(16),
            "explained": False,
            "kept": False,
        }
    )
    table["source"] = (
        "train/n" + pd.Series(numbers % 1000).astype(str) + "/image_" + pd.Series(numbers).astype(str) + ".JPEG"
    )
    write_table(tmp_path / "images.parquet", table)
    assert len(read_table(tmp_path / "images.parquet", IMAGES)) == count


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("code from a file was run",)


def test_what_a_table_says_of_its_types_runs_nothing(folder: Path) -> None:
    """An extension type that is a pickle, as pyarrow once read it (CVE-2023-47248), and what pandas says of columns."""
    whole = pa.Table.from_pandas(read_table(folder / "images.parquet", IMAGES))
    evil = pickle.dumps(Evil())
    for field in whole.schema:
        marks = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": evil}
        schema = pa.schema([each.with_metadata(marks) if each.name == field.name else each for each in whole.schema])
        words = {
            b"pandas": json.dumps(
                {
                    "index_columns": ["id"],
                    "columns": [{"name": "id", "numpy_type": "object", "pandas_type": "pickle"}],
                    "column_indexes": [],
                }
            ).encode()
        }
        pq.write_table(whole.cast(schema).replace_schema_metadata(words), folder / "images.parquet")
        found = read("images.parquet", folder)
        assert found is None or list(found) == list(IMAGES)  # type: ignore[call-overload]


HEADERS = {
    "longer than the file": (1 << 62).to_bytes(8, "little") + b"{}",
    "a hundred megabytes": (100_000_000).to_bytes(8, "little") + b"{}",
    "nothing but depth": (60_000).to_bytes(8, "little") + b'{"a":' * 12_000,
    "a tensor beyond memory": None,
    "the same place twice": None,
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_makes_nothing_that_its_file_does_not_hold(header: str, folder: Path) -> None:
    content = HEADERS[header]
    if content is None:
        ends = [0, 8] if "twice" in header else [0, 1 << 50]
        said = {"ids": {"dtype": "I64", "shape": [ends[1] // 8], "data_offsets": ends}}
        said["logits"] = {"dtype": "F16", "shape": [ends[1] // 8, 4], "data_offsets": ends}
        text = json.dumps(said).encode()
        content = len(text).to_bytes(8, "little") + text + bytes(8)
    tracemalloc.start()
    for name in READERS:
        if name.endswith(".safetensors"):
            (folder / name).write_bytes(content)
            assert read(name, folder) is None
            with pytest.raises(UserError, match="damaged"):
                read_arrays(folder / name)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@BOUNDED
@given(
    kinds=st.sampled_from(["int64", "int8", "float16", "float64", "bool", "uint8"]),
    shape=st.lists(st.integers(0, 4), max_size=4),
    count=st.integers(0, 4),
)
def test_any_arrays(kinds: str, shape: list[int], count: int, folder: Path) -> None:
    for name, array in ((f"logits/{STUDENT}.safetensors", "logits"), (f"maps/saliency/{STUDENT}.safetensors", "maps")):
        content = save({"ids": np.arange(count), array: np.zeros(shape, kinds)})
        write_bytes(folder / name, content)
        found: Any = read(name, folder)
        right = kinds.startswith("float") and len(shape) == (2 if array == "logits" else 3) and shape[0] == count
        assert (found is not None) == right
        if found is not None:
            assert len(found[0]) == len(found[1]) == count


@BOUNDED
@given(content=st.binary(max_size=200), cut=st.integers(0, 300))
def test_any_entry_of_the_live_cache(content: bytes, cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    kept = LiveCache(tmp_path_factory.getbasetemp() / "live")
    whole = save({"answer": np.zeros(2)})
    for value in (content, whole[:cut], whole[: min(cut, 8)] + content):
        kept._open().set("key", value)
        found = kept.get("key")
        assert found is None or all(isinstance(each, np.ndarray) for each in found.values())
