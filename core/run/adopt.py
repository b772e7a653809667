"""Networks that the manifest no longer speaks of, because it is gone or damaged."""

from pathlib import Path

from core.cells import Cell, grid
from core.errors import Unreadable, UserError
from core.header import read_header
from core.models import load_model
from core.store import sha256_file
from core.study import Study


def adopt(study: Study, wanted: dict[str, str], unchanged: bool) -> tuple[dict[str, dict[str, str]], str]:
    """Return manifest entries for the networks that can be kept, and a sentence on it ("" where there are none at all).

    A network is kept where its file and its history are whole, everything that its header says is as wanted, down to
    the digest of the teacher it learned from, and study.toml is as it was: what a header does not say (learning rate,
    …) is taken from there.

    Parameters
    ----------
    study : Study
    wanted : dict
        Every file's key, from `core.run.plan.keys`.
    unchanged : bool
        Whether study.toml already had the settings of this run.
    """
    cells = grid(study.config)
    there = [cell for cell in cells if study.path("models", cell).exists()]
    files: dict[str, dict[str, str]] = {}
    kept = 0
    for cell in there:
        paths = {path.relative_to(study.folder).as_posix(): path for path in _of(study, cell) if path.exists()}
        sums = {name: sha256_file(path) for name, path in paths.items()}  # of one that cannot be opened, before it is
        if _fits(study, cell, unchanged):  # taken for damaged
            kept += 1
            files |= {name: {"sha256": found, "key": wanted[name]} for name, found in sums.items()}
    if not there:
        return files, ""
    return files, (
        f"{study.folder / 'manifest.json'} is missing or damaged: {kept} of {len(cells)} networks are whole and of "
        "these settings, and are kept; what else there is, is made anew."
    )


def _of(study: Study, cell: Cell) -> tuple[Path, Path]:
    return study.path("models", cell), study.path("history", cell)


def _fits(study: Study, cell: Cell, unchanged: bool) -> bool:
    config = study.config
    try:
        header = load_model(study.path("models", cell))[1]
        epochs = len(study.history(cell))
        teacher = None if cell.alpha == 1 else read_header(study.path("models", study.teacher)).digest
    except Unreadable:
        raise
    except UserError:
        return False
    students = config.students
    found = (header.architecture, header.alpha, header.seed, header.width, header.stem, header.classes)
    right = (cell.architecture, cell.alpha, cell.seed, students.width, students.stem, study.dataset.classes)
    others = (header.image_size, header.teacher, epochs, header.explanation_weight)
    wanted = (config.data.image_size, teacher, config.training.epochs, cell.explanation_weight)
    return unchanged and found == right and others == wanted
