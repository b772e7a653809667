"""Files on disk: written beside their place and renamed into it, read without pickle."""

import errno
import hashlib
import json
import math
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from core.errors import Unreadable, UserError, memory_is_full
from core.parquet import Columns, OtherTableError, read_within_bounds
from core.tensors import arrays_in, read_whole

ROW_GROUP = 1 << 20
"""Rows of a parquet table that are compressed together."""
DTYPES = {"F16": np.float16, "F32": np.float32, "I64": np.int64}
"""Numbers of the arrays that are mapped, by their names in safetensors."""
UNFINISHED = ".tmp"
"""Ends the name of a file that is being written."""


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when it is whole: readers see the old one or the new one, also after a kill."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{UNFINISHED}")
    try:
        with _opened(beside) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _opened(path: Path) -> IO[bytes]:
    """Open a file to be written, in a folder that is made where there is none.

    Another task may remove that folder in the moment in which it is empty: it is made again, a few times.
    """
    for _ in range(3):
        with suppress(FileNotFoundError):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("wb")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def cannot_write(path: Path, error: OSError) -> UserError:
    """Return the error for a file that could not be written, with what helps where that is known."""
    return UserError(f"{path} cannot be written: {in_words(error)}{what_helps(error)}.")


def what_helps(error: OSError) -> str:
    """Return what helps where something cannot be written, to end a sentence with; "" where that is not known."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "; make room there and try again, what was done before is kept"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "; choose another folder, or have this one opened for writing"
    if error.errno == errno.ENOENT:
        return "; its folder was removed meanwhile, try again"
    if error.errno == errno.EFBIG:
        return "; raise the limit on the size of a file (ulimit -f) and try again"
    return _more_files(error)


def cannot_read(path: Path, error: Exception) -> UserError:
    """Return the error for a file that could not be opened or read, in the system's words.

    Libraries have others for it: safetensors says of any file that it cannot open, that there is none.
    """
    if not isinstance(error, OSError) or isinstance(error, FileNotFoundError):
        try:
            path.open("rb").close()
        except OSError as said:
            error = said
        else:
            return Unreadable(f"{path} could not be read just now; try again.")
    if isinstance(error, FileNotFoundError):
        return UserError(f"There is no file {path}.")
    helps = "; have it opened for reading" if error.errno in (errno.EACCES, errno.EPERM) else _more_files(error)
    return Unreadable(f"{path} cannot be read: {in_words(error)}{helps}.")


def in_words(error: OSError) -> str:
    """Return what the system says of an error; libraries put words of their own around it."""
    return os.strerror(error.errno) if error.errno else str(error)


def _more_files(error: OSError) -> str:
    too_many = error.errno in (errno.EMFILE, errno.ENFILE)
    return "; end other programs or raise the limit on open files (ulimit -n), then try again" if too_many else ""


def remove_unfinished(folder: Path) -> None:
    """Remove what writers left beside its place that were killed; nobody may be writing into the folder."""
    for path in folder.rglob(f".*{UNFINISHED}"):
        with suppress(OSError):
            path.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees the old one or the new one, whole, also after a kill or a power cut."""
    with _replacing(path) as file:
        file.write(content)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, sorted, for people and diffs."""
    write_bytes(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read JSON; UserError where it is missing or damaged."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise cannot_read(path, error) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}).") from None


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a parquet table, compressed without loss."""
    with _replacing(path) as file:
        _write_tables(file, [pa.Table.from_pandas(table, preserve_index=False)])


def join_tables(path: Path, tables: Sequence[Path], columns: Columns) -> None:
    """Write parquet tables of the same columns as one, a bounded part of them in memory at a time.

    The bytes are the same wherever it was cut. Raises UserError as `read_table`.
    """
    with _replacing(path) as file:
        _write_tables(file, (_read_arrow(table, columns) for table in tables))


def _write_tables(file: IO[bytes], tables: Iterable[pa.Table]) -> None:
    tables = iter(tables)
    left = next(tables)
    floats = [field.name for field in left.schema if pa.types.is_floating(field.type)]
    others = [field.name for field in left.schema if field.name not in floats]
    # Measured floats hardly repeat: sorted by byte they take a third less than as a dictionary.
    with pq.ParquetWriter(
        file, left.schema, compression="zstd", use_dictionary=others or False, use_byte_stream_split=floats or False
    ) as writer:
        for table in tables:
            left = pa.concat_tables([left, table])
            while left.num_rows > ROW_GROUP:
                writer.write_table(left.slice(0, ROW_GROUP).combine_chunks())
                left = left.slice(ROW_GROUP)
        writer.write_table(left.combine_chunks(), row_group_size=ROW_GROUP)


def read_table(path: Path, columns: Columns | None = None) -> pd.DataFrame:
    """Read a parquet table: the columns of `columns` (`core.parquet`), else all.

    Raises
    ------
    UserError
        It is missing, damaged or another table.
    """
    found: pd.DataFrame = _read_arrow(path, columns).to_pandas()
    return found


def _read_arrow(path: Path, columns: Columns | None) -> pa.Table:
    try:
        return read_within_bounds(path, columns)
    except OtherTableError as error:
        raise UserError(f"{path} is damaged ({error}).") from None
    except Exception as error:  # pyarrow's errors share no base with a name of their own
        raise _damaged(path, error, "no table can be read from it") from None


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays as safetensors."""
    write_bytes(path, save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))


def read_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Read arrays, `names` among them; UserError where the file is missing or damaged."""
    try:
        arrays = arrays_in(read_whole(path))
    except (OSError, ValueError) as error:
        raise _damaged(path, error, "no arrays can be read from it") from None
    if missing := set(names) - set(arrays):
        raise UserError(f"{path} is damaged (it has no {missing.pop()}).")
    return arrays


def read_rows(path: Path, name: str, dimensions: int) -> dict[str, np.ndarray]:
    """Read `ids` (N,), whole numbers, and `name` (N, …), floats, of so many dimensions; UserError as `read_arrays`."""
    arrays = read_arrays(path, "ids", name)
    ids, rows = arrays["ids"], arrays[name]
    if ids.ndim != 1 or ids.dtype.kind != "i" or rows.ndim != dimensions or rows.dtype.kind != "f":
        raise UserError(f"{path} is damaged (its arrays are of another shape).")
    if len(rows) != len(ids):
        raise UserError(f"{path} is damaged (its arrays do not go together).")
    return arrays


def map_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Return arrays as they lie on the disk, read where they are looked at; UserError as `read_arrays`."""
    try:
        with safe_open(path, "np"):  # which checks that all of it is there
            pass
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
        found = {}
        for name in names:
            kind, shape, start = DTYPES[header[name]["dtype"]], header[name]["shape"], header[name]["data_offsets"][0]
            empty = not math.prod(shape)  # of nothing there is no map
            found[name] = np.empty(shape, kind) if empty else np.memmap(path, kind, "r", 8 + size + start, tuple(shape))
    except (SafetensorError, OSError, KeyError) as error:
        raise _damaged(path, error, "no arrays can be read from it") from None
    return found


def join_arrays(path: Path, arrays: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Write named arrays, each given in pieces, as safetensors: of mapped ones, one piece is in memory at a time."""
    header, end = {}, 0
    for name, pieces in arrays.items():
        shape = [sum(len(piece) for piece in pieces), *pieces[0].shape[1:]]
        start, end = end, end + math.prod(shape) * pieces[0].itemsize
        kind = next(word for word, kind in DTYPES.items() if kind == pieces[0].dtype)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with _replacing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for pieces in arrays.values():
            for piece in pieces:
                file.write(np.ascontiguousarray(piece).data)


def _damaged(path: Path, error: Exception, said: str) -> Exception:
    """Return the error for what could not be read: the file is damaged, unless it is the system that could not."""
    if memory_is_full(error):
        return error
    # Of a file that is no table, pyarrow says so with an OSError without a number.
    if isinstance(error, FileNotFoundError) or (isinstance(error, OSError) and error.errno):
        return cannot_read(path, error)
    return UserError(f"{path} is damaged ({said}).")


def header_of(content: bytes) -> dict[str, Any]:
    """Return the header of safetensors bytes, with their metadata as `__metadata__`; ValueError where there is none."""
    found: dict[str, Any] = json.loads(content[8 : _end(content)])
    return found


def _end(content: bytes) -> int:
    return 8 + int.from_bytes(content[:8], "little")


def in_order(content: bytes) -> bytes:
    """Return safetensors bytes with their metadata sorted: the library leaves its order to chance."""
    header = header_of(content)
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[_end(content) :]


def sha256_file(path: Path) -> str:
    """Return the checksum of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """Return a short name for a JSON value: the same value, the same name."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
