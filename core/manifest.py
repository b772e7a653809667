"""The list of a study's files, with their checksums: which of them are as they were written."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.contained import is_plain
from core.errors import UserError
from core.store import digest_of, read_json, sha256_file, write_json

Stamp = tuple[int, int, int]


@dataclass
class Manifest:
    """What a run says it wrote.

    Attributes
    ----------
    files : dict
        Per file kept, relative path to its `sha256` and the `key` of what it was made from.
    left_out : dict
        Per file that was made and then removed, as `[keep]` has it: relative path to the key of what made it.
    settings : str
        The sha256 of study.toml as the run left it; "" in studies of before there was one.
    """

    files: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    settings: str = ""


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a study's folder; an empty one where there is none.

    Raises
    ------
    UserError
        It is damaged, or names a file that is not one of a study's.
    """
    path = manifest_path(folder)
    if not path.exists():
        return Manifest()
    content: Any = read_json(path)
    found: dict[str, Any] = content if isinstance(content, dict) else {}
    digest = found.pop("digest", None)
    files, left_out, settings = found.get("files", ()), found.get("left_out", {}), found.get("settings", "")
    if not (_by_name(files, _is_entry) and _by_name(left_out, _is_text) and _is_text(settings)):
        raise UserError(f"{path} is damaged (it does not list files).")
    if (digest or settings) and digest != digest_of(found):
        raise UserError(f"{path} is damaged (it is not what was written there).")
    for name in (*files, *left_out):
        if not is_plain(name):
            raise UserError(f"{path} is damaged (it names {name!r}, which is no file of a study).")
    return Manifest(files, left_out, settings)


def written_as(folder: Path, name: str) -> str:
    """Return the checksum that a file was written with; "" where the manifest does not list it, or is damaged."""
    stamp = stamp_of(manifest_path(folder))
    try:
        return "" if stamp is None else _sums(folder, stamp).get(name, "")
    except UserError:  # a damaged one has a sentence of its own, for whoever asks for it
        return ""


@lru_cache(maxsize=16)
def _sums(folder: Path, stamp: Stamp) -> dict[str, str]:
    return {name: entry["sha256"] for name, entry in read_manifest(folder).files.items()}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it, atomically, with a digest of its own: it is what all else is held against."""
    content = vars(manifest)
    write_json(manifest_path(folder), {**content, "digest": digest_of(content)})


def manifest_path(folder: Path) -> Path:
    """Return where a study's manifest is."""
    return folder / "manifest.json"


def stamp_of(path: Path) -> Stamp | None:
    """Return when a file was written, its bytes, and its number on the disk; None where there is none (any more)."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def checksum(path: Path) -> str:
    """Return the checksum of a file, read again when it has been written again; "" where it cannot be read."""
    stamp = stamp_of(path)
    try:
        return "" if stamp is None else _checksum(path, stamp)
    except OSError:
        return ""


@lru_cache(maxsize=10_000)
def _checksum(path: Path, stamp: Stamp) -> str:
    return sha256_file(path)


def _by_name(values: Any, right: Callable[[Any], bool]) -> bool:
    return isinstance(values, dict) and all(right(value) for value in values.values())


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and all(_is_text(entry.get(name)) for name in ("sha256", "key"))
