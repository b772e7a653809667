"""Somebody's own checkpoint as a cell of a study."""

import zipfile
from pathlib import Path

import torch

from core.bounded import bounded
from core.cells import Cell, grid
from core.contained import CELL
from core.errors import UserError, memory_is_full
from core.header import Header
from core.models import check_architecture, half, save_model, skeleton
from core.run.lock import held
from core.study import Study
from core.weights import load_weights, read_weights

LARGEST = 4
"""Times its size that a checkpoint may unpack to; torch does not pack at all."""
ROOM = 500_000_000
"""Bytes that reading a checkpoint may take, beside twice its size."""


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
    if not CELL.fullmatch(name):
        raise UserError(
            f"'{name}' cannot be a cell's name: letters, digits, '.', '_' and '-' only, at most 64, the first a letter "
            "or a digit."
        )
    if name in {cell.name for cell in grid(study.config)}:
        raise UserError(f"'{name}' is the name of a cell of the grid; choose another.")
    check_free(study, name)
    teacher = study.header(study.teacher)
    check_architecture(architecture, width, stem)
    model = skeleton(architecture, len(teacher.classes), width, stem)
    load_weights(model, _read(weights), str(weights), assign=True)
    if not all(value.isfinite().all() for value in half(model).values() if value.is_floating_point()):
        raise UserError(
            f"{weights} holds numbers that are not finite, or too large for half precision, in which networks are kept."
        )
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


def _read(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict in no more memory than one of the file's size needs: 100 bytes of pickle can ask for any."""
    with bounded(ROOM + 2 * (path.stat().st_size if path.exists() else 0)):
        if _packed(path):
            raise UserError(f"{path} unpacks to far more than its size; save it with torch.save, or as .safetensors.")
        try:
            return read_weights(path)
        except (MemoryError, RuntimeError) as error:
            if not memory_is_full(error):
                raise
            raise UserError(f"{path} asks for far more memory than its size; save it with torch.save.") from None


def check_free(study: Study, name: str) -> None:
    """Raise UserError where a network of that name is there."""
    if study.path("models", name).exists():
        raise UserError(f"There is a network called '{name}' already; choose another name, or remove its file first.")


def _packed(path: Path) -> bool:
    """Return whether a file is an archive (as .pth is) that would unpack to far more than its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist()) > LARGEST * path.stat().st_size
    except MemoryError:  # a list of millions of entries
        return True
    except Exception:  # zipfile raises many kinds
        return False  # whoever reads it says what is wrong
