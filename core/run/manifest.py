"""A study's manifest as a run keeps it: what is as it should be, what was made, and what is left out."""

from collections.abc import Callable
from contextlib import suppress

from core import manifest
from core.errors import Unreadable, UserError
from core.run.adopt import adopt
from core.run.recipe import stays
from core.store import sha256_file
from core.study import Study

Files = dict[str, dict[str, str]]
"""The manifest: per file its `key`, and its `sha256` unless it was left out."""


def up_to_date(study: Study, wanted: dict[str, str], unchanged: bool, on_note: Callable[[str], None]) -> Files:
    """Return the manifest's entries of the files that are as they should be."""
    try:
        listed = manifest.read_manifest(study.folder)
    except Unreadable:  # else all that it lists would be made anew
        raise
    except UserError:  # a damaged one is as good as none
        listed = manifest.Manifest()
    if listed.files:
        files = {name: entry for name, entry in listed.files.items() if wanted.get(name) == entry["key"]}
        paths = {name: study.folder / name for name in files}
        whole = {n: e for n, e in files.items() if paths[n].is_file() and sha256_file(paths[n]) == e["sha256"]}
        gone = {name: {"key": key} for name, key in listed.left_out.items() if wanted.get(name) == key}
        return gone | whole
    files, sentence = adopt(study, wanted, unchanged)
    if sentence:
        on_note(sentence)
    return files


def write_manifest(study: Study, files: Files) -> None:
    """Write it where it is not as it was, with what study.toml is now."""
    kept = {name: entry for name, entry in files.items() if "sha256" in entry}
    left_out = {name: entry["key"] for name, entry in files.items() if "sha256" not in entry}
    found = manifest.Manifest(kept, left_out, sha256_file(study.folder / "study.toml"))
    with suppress(UserError):  # a damaged one is written anew
        if manifest.read_manifest(study.folder) == found:
            return
    manifest.write_manifest(study.folder, found)


def sweep(study: Study, wanted: dict[str, str], files: Files) -> None:
    """Remove what `[keep]` leaves out; the manifest goes on to say what it was made from."""
    gone = {name for name in set(wanted) - stays(study, wanted) if "sha256" in files.get(name, {})}
    for name in gone:
        del files[name]["sha256"]
    write_manifest(study, files)
    for name in gone:
        with suppress(OSError):  # other files are there; or it cannot be removed, and is of no use to anybody
            (study.folder / name).unlink(missing_ok=True)
            (study.folder / name).parent.rmdir()
