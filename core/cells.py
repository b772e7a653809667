"""A cell of the grid and its name."""

import re
from dataclasses import dataclass

from core.config import Config
from core.errors import unknown

_NAME = re.compile(r"(?P<architecture>.+)-a(?P<alpha>[0-9.]+(?:e-\d+)?)-s(?P<seed>\d+)")


@dataclass(frozen=True, order=True)
class Cell:
    """One architecture at one α with one seed; an imported network has neither α nor seed, and its own name."""

    architecture: str
    alpha: float | None
    seed: int | None
    own_name: str = ""

    @property
    def name(self) -> str:
        """`resnet18-a0.1-s0`, or the imported network's own name."""
        return self.own_name or f"{self.architecture}-a{self.alpha}-s{self.seed}"


def teacher_cell(config: Config) -> Cell:
    """Return the teacher: the first seed of its architecture, trained without distillation."""
    return Cell(config.teacher.architecture, 1.0, config.students.seeds[0])


def grid(config: Config) -> list[Cell]:
    """Return every trained cell of a study, the teacher first."""
    teacher = teacher_cell(config)
    students = config.students
    cells = [
        Cell(architecture, alpha, seed)
        for architecture in students.architectures
        for alpha in students.alphas
        for seed in students.seeds
    ]
    return [teacher, *(cell for cell in cells if cell != teacher)]


def parse_cell(name: str) -> Cell:
    """Read a cell's name.

    Raises
    ------
    UserError
        It is not of the form architecture-aALPHA-sSEED.
    """
    match = _NAME.fullmatch(name)
    if not match:
        raise unknown("cell", name, ())
    return Cell(match["architecture"], float(match["alpha"]), int(match["seed"]))
