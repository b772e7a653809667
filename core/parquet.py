"""Parquet tables, read within bounds: what a file says of itself is looked at before anything is made of it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Columns = Mapping[str, str]
"""Column to its kind: one of `KINDS`, with a "?" behind it where the column need not be there."""
KINDS: dict[str, Callable[[pa.DataType], bool]] = {
    "int": pa.types.is_integer,
    "real": lambda kind: pa.types.is_floating(kind) or pa.types.is_integer(kind),
    "bool": pa.types.is_boolean,
    "text": lambda kind: _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind),
}
KINDS["category"] = KINDS["text"]
LEAST, TIMES = 64_000_000, 100
"""Bytes that any table may take in memory, and how many more for each byte of its file: a column that repeats itself
packs well, but a few kilobytes are no table of gigabytes."""
CELL = 8
"""Bytes of a number in memory at most; a text counts as one, and its letters for themselves."""


class OtherTableError(ValueError):
    """A table that is not the one asked for, in words that complete "it is damaged: …"."""


def read_within_bounds(path: Path, columns: Columns | None = None) -> pa.Table:
    """Read a table's columns, all of them where `columns` does not choose.

    Raises
    ------
    OtherTableError
        It lacks one of the columns, or holds another kind of values there; it would take far more memory than its file
        has bytes; or its columns are not plain ones of different names.
    Exception
        What pyarrow raises of a file that is none: its errors share no base with a name of their own.
    """
    with pq.ParquetFile(path) as file:
        found, about = file.schema_arrow, file.metadata
        chosen = _chosen(found, columns)
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
    most = LEAST + TIMES * path.stat().st_size
    rows = sum(group.num_rows for group in groups)
    packed = [group.column(i).total_uncompressed_size for group in groups for i in range(group.num_columns)]
    if min([0, rows, *packed]) < 0 or max(rows * len(chosen) * CELL, sum(packed)) > most:
        raise OtherTableError("it stands for far more than it holds")
    texts = [name for name, kind in chosen.items() if kind in ("text", "category")]
    # As dictionaries: a text that stands in a million rows is read once.
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        table = file.read(list(chosen)).replace_schema_metadata()
    table.validate(full=True)  # letters that are none, positions that no dictionary has
    most -= sum(_letters(chunk) for name in texts for chunk in table[name].chunks)
    if most < 0:
        raise OtherTableError("it stands for far more than it holds")
    for place, (name, kind) in enumerate(chosen.items()):
        if kind not in ("real", "") and table[name].null_count:  # which a real has for NaN
            raise OtherTableError(f"its column '{name}' has gaps")
        if kind == "text":
            table = table.set_column(place, name, table[name].cast(pa.large_string()))
    return table


def _chosen(found: pa.Schema, columns: Columns | None) -> dict[str, str]:
    """Return the columns to read, and their kinds; "" for one of no kind, where all are read."""
    if len(set(found.names)) < len(found) or any(pa.types.is_nested(field.type) for field in found):
        raise OtherTableError("its columns are not plain ones of different names")
    if columns is None:
        return {field.name: _kind(field.type) for field in found}
    chosen = {name: kind.removesuffix("?") for name, kind in columns.items() if name in found.names or kind[-1] != "?"}
    for name, kind in chosen.items():
        if name not in found.names:
            raise OtherTableError(f"it has no column '{name}'")
        if not KINDS[kind](found.field(name).type):
            raise OtherTableError(f"its column '{name}' is not of the kind {kind}")
    return chosen


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return "category" if _is_text(kind.value_type) else ""
    return "text" if _is_text(kind) else ""


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _letters(chunk: pa.DictionaryArray) -> int:
    """Count the bytes of a column's texts, each as often as it stands there."""
    return pc.sum(pc.take(pc.binary_length(chunk.dictionary).cast(pa.int64()), chunk.indices)).as_py() or 0
