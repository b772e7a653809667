"""What is there of a study, and whether it is being run: read from its files in a moment, without torch."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from core.cells import grid
from core.errors import UserError
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
        finished, without anything known of a run; damaged: it cannot be read.
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
        yield overview(name)


def overview(name: str) -> Overview:
    """Look at one study of the cache."""
    folder = cache_folder() / "studies" / name
    status = read_status(folder)
    try:
        study = Study(folder)
        names = {*(cell.name for cell in grid(study.config)), *imported(study)}
        gone = {Path(file).stem for file in study.left_out if file.startswith("models/")}
        trained = sum(each in gone or study.path("models", each).exists() for each in names)
        measured = sum(study.path("measures", each).exists() for each in names)
        whole = study.whole() and trained == measured == len(names)
    except UserError as error:
        word: Word = "running" if status is not None and status.alive else "damaged"
        return Overview(name, word, said=str(error), status=status)
    counts = len(names), trained, measured
    word, said = _word(folder, status, whole)
    return Overview(name, word, *counts, said, status, study.config.description, _bytes(folder))


def imported(study: Study) -> list[str]:
    """Return the names of the networks that somebody brought in (`core add`)."""
    known = {cell.name for cell in grid(study.config)}
    found = [path for path in sorted((study.folder / "models").glob("*.safetensors")) if path.stem not in known]
    # That of a cell of an earlier grid has its α.
    return [path.stem for path in found if facts(path).get("alpha", 0) is None]


def facts(path: Path) -> dict[str, Any]:
    """Return what a network's file says of itself (`core.models.Header`), {} where it cannot be read."""
    try:
        with safe_open(path, "np") as file:
            meta = file.metadata() or {}
        return {key: json.loads(value) for key, value in meta.items() if key != "format"}
    except (SafetensorError, OSError, ValueError):
        return {}


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # replaced in between
            total += path.stat().st_size
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
