"""What is there of a study, and whether it is being run: read from its files in a moment, without torch."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.cells import grid
from core.errors import UserError
from core.header import read_header
from core.manifest import checksum, manifest_path, read_manifest, stamp_of
from core.progress import duration
from core.run.launch import last_line
from core.run.status import Status, read_status
from core.study import Study, cache_folder, study_names

Word = Literal["complete", "running", "stopped", "failed", "interrupted", "not finished", "damaged"]


@dataclass(frozen=True)
class Overview:
    """How complete a study is.

    Attributes
    ----------
    name : str
        Of its folder.
    word : str
        complete; running; stopped, failed (of itself) or interrupted (by a kill or a power cut) in its last run; not
        finished, without anything known of a run; damaged: its settings or its manifest cannot be read, or a file is
        no longer what a run has written.
    cells, trained, measured : int
        Its networks, imported ones included, and how many of them are trained and measured.
    said : str
        What its last run said at its end, or what is wrong with its files.
    status : Status or None
        What its last run told.
    description : str
    bytes : int
        On disk.
    """

    name: str
    word: Word
    cells: int = 0
    trained: int = 0
    measured: int = 0
    said: str = ""
    status: Status | None = None
    description: str = ""
    bytes: int = 0

    @property
    def sentence(self) -> str:
        """The state in a few words: "running, 35 %, about 3 min 20 s left"."""
        if self.word != "running" or self.status is None:
            return self.word
        if not self.status.seconds:
            return "running, just begun"
        left = "" if self.status.left is None else f", about {duration(self.status.left)} left"
        return f"running, {100 * self.status.share:.0f} %{left}"


def overviews() -> Iterator[Overview]:
    """Look at every study in the cache."""
    for name in study_names():
        seen = overview(name)
        # One that was deleted in between is not damaged.
        if seen.word != "damaged" or (cache_folder() / "studies" / name / "study.toml").exists():
            yield seen


def overview(name: str) -> Overview:
    """Look at one study of the cache."""
    folder = cache_folder() / "studies" / name
    status = read_status(folder)
    alive = status is not None and status.alive
    try:
        study = Study(folder)
    except UserError as error:
        return Overview(name, "running" if alive else "damaged", said=str(error), status=status)
    names = {*(cell.name for cell in grid(study.config)), *imported(study)}
    gone: set[str] = set()
    whole = False
    try:
        gone = {Path(file).stem for file in study.left_out if file.startswith("models/")}
        whole = study.whole()
        # What a run leaves that was cut off, the next one looks through by itself.
        wrong = damage(study) if status is None else ""
    except UserError as error:
        wrong = str(error)
    trained = sum(each in gone or study.path("models", each).exists() for each in names)
    measured = sum(study.path("measures", each).exists() for each in names)
    counts = len(names), trained, measured
    word: Word
    if wrong and not alive:
        word, said = "damaged", wrong
    else:
        word, said = _word(folder, status, whole and trained == measured == len(names))
    return Overview(name, word, *counts, said, status, study.config.description, _bytes(folder))


def imported(study: Study) -> list[str]:
    """Return the names of the networks that somebody brought in (`core add`), as far as their files can be read."""
    found = []
    for path in study.brought_in():
        with suppress(UserError):
            if read_header(path).alpha is None:  # that of a cell of an earlier grid has its α
                found.append(path.stem)
    return found


def damage(study: Study) -> str:
    """Say which files are no longer what a run wrote, and what mends them; "" where none is found.

    Compared with their checksums are the summary and the files written since the manifest was, each read once until it
    is written again: that takes a moment, where `Study.damaged` reads every file.
    """
    manifest, written = read_manifest(study.folder), stamp_of(manifest_path(study.folder))
    found_settings = checksum(study.folder / "study.toml")
    if "" not in (manifest.settings, found_settings) and manifest.settings != found_settings:
        return f"study.toml is not as the last run left it; put it back, or go on with it as it is: {study.command}."
    found = []
    for name, entry in manifest.files.items():
        path = study.folder / name
        stamp = stamp_of(path)
        if stamp and written and (stamp[0] > written[0] or name == "summary.parquet"):
            found += [name] if checksum(path) not in ("", entry["sha256"]) else []  # "": it cannot be opened just now
    if not found:
        return ""
    if len(found) == 1:
        return f"{found[0]} is damaged; {study.command} makes it anew."
    return f"{len(found)} files are damaged, {found[0]} among them; {study.command} makes them anew."


def _bytes(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # which passes over folders that go away meanwhile
        for name in names:
            with suppress(OSError):  # replaced in between
                total += Path(place, name).lstat().st_size
    return total


def _word(folder: Path, status: Status | None, whole: bool) -> tuple[Word, str]:
    if status is not None and status.alive:
        return "running", ""
    if status is None:
        return "complete" if whole else "not finished", ""
    if status.ended == "stopped":
        return "stopped", ""
    if status.ended:
        return "failed", status.said
    said = last_line(folder)
    # A run that is refused before it begins has nobody to tell but its log.
    return ("failed", said.removeprefix("Error: ")) if said.startswith("Error: ") else ("interrupted", said)
