"""Somebody's own checkpoint as a cell of a study."""

import re
import zipfile
from pathlib import Path

from core.cells import Cell, grid
from core.errors import UserError
from core.models import Header, build, load_weights, read_weights, save_model
from core.run.lock import held
from core.study import Study

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

LARGEST = 4
"""Times its size that a checkpoint may unpack to; torch does not pack at all."""


def add_model(study: Study, name: str, architecture: str, weights: Path, width: float, stem: str) -> Cell:
    """Bring a checkpoint into a study as a cell of its own name.

    It must have been trained on the study's classes, in their order, at its image size and with its normalisation,
    which are the ones that it gets.

    Raises
    ------
    UserError
        A name that is taken or not fit for a file, an unknown architecture, weights that do not fit it, a study
        whose teacher has not been trained yet, or one that is being run.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"'{name}' cannot be a cell's name: letters, digits, '.', '_' and '-' only.")
    if name in {cell.name for cell in grid(study.config)}:
        raise UserError(f"'{name}' is the name of a cell of the grid; choose another.")
    check_free(study, name)
    teacher = study.header(study.teacher)
    model = build(architecture, len(teacher.classes), width, stem)
    if _packed(weights):
        raise UserError(f"{weights} unpacks to far more than its size; save it with torch.save, or as .safetensors.")
    load_weights(model, read_weights(weights), str(weights))
    if not all(value.isfinite().all() for value in model.state_dict().values() if value.is_floating_point()):
        raise UserError(f"{weights} holds numbers that are not finite: its training came to nothing.")
    header = Header(
        architecture=architecture,
        width=width,
        stem=stem,
        classes=teacher.classes,
        image_size=teacher.image_size,
        mean=teacher.mean,
        std=teacher.std,
    )
    cell = Cell(architecture, None, None, name)
    with held(study.folder):  # a run under way would meet a network that it has not measured
        check_free(study, name)  # two who add the same name at once
        save_model(study.path("models", cell), model, header)
    return cell


def check_free(study: Study, name: str) -> None:
    """Raise UserError where a network of that name is there."""
    if study.path("models", name).exists():
        raise UserError(f"There is a network called '{name}' already; choose another name, or remove its file first.")


def _packed(path: Path) -> bool:
    """Return whether a file is an archive (as .pth is) that would unpack to far more than its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist()) > LARGEST * path.stat().st_size
    except (OSError, zipfile.BadZipFile):
        return False  # whoever reads it says what is wrong
