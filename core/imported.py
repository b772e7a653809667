"""Somebody's own checkpoint as a cell of a study."""

import re
from pathlib import Path

from core.cells import Cell, grid
from core.errors import UserError
from core.models import Header, build, load_weights, read_weights, save_model
from core.study import Study

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def add_model(study: Study, name: str, architecture: str, weights: Path, width: float, stem: str) -> Cell:
    """Bring a checkpoint into a study as a cell of its own name.

    It must have been trained on the study's classes, in their order, at its image size and with its normalisation,
    which are the ones that it gets.

    Raises
    ------
    UserError
        A name that is taken or not fit for a file, an unknown architecture, weights that do not fit it, or a study
        whose teacher has not been trained yet.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"'{name}' cannot be a cell's name: letters, digits, '.', '_' and '-' only.")
    if name in {cell.name for cell in grid(study.config)}:
        raise UserError(f"'{name}' is the name of a cell of the grid; choose another.")
    if study.path("models", name).exists():
        raise UserError(f"There is a network called '{name}' already; choose another name, or remove its file first.")
    teacher = study.header(study.teacher)
    model = build(architecture, len(teacher.classes), width, stem)
    load_weights(model, read_weights(weights), str(weights))
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
    save_model(study.path("models", cell), model, header)
    return cell
