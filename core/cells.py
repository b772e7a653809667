"""A cell of the grid and its name."""

import re
from dataclasses import dataclass

from core.config import Config
from core.errors import unknown

_NAME = re.compile(r"(?P<architecture>.+)-a(?P<alpha>[0-9.]+(?:e-\d+)?)-s(?P<seed>\d+)")


@dataclass(frozen=True, order=True)
class Cell:
    """One architecture at one α with one seed.

    An untrained one, a control, has no α; an imported network has neither α nor seed, and its own name.
    """

    architecture: str
    alpha: float | None
    seed: int | None
    own_name: str = ""

    @property
    def name(self) -> str:
        """`resnet18-a0.1-s0`, `resnet18-random-s0`, or the imported network's own name."""
        if self.own_name:
            return self.own_name
        return f"{self.architecture}-{'random' if self.untrained else f'a{self.alpha}'}-s{self.seed}"

    @property
    def untrained(self) -> bool:
        """Whether this is the control that has learnt nothing."""
        return self.alpha is None and self.seed is not None


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


def untrained_cells(config: Config) -> list[Cell]:
    """Return the controls of a study: every architecture as it is before training, of the first seed."""
    return [Cell(architecture, None, config.students.seeds[0]) for architecture in config.students.architectures]


def undistilled(cell: Cell, config: Config) -> Cell | None:
    """Return the network that a distilled one is compared with: its architecture and seed at α = 1.0.

    None for networks that are not distilled, and where that network is the teacher itself.
    """
    if cell.alpha is None or cell.alpha == 1:
        return None
    plain = Cell(cell.architecture, 1.0, cell.seed)
    return None if plain == teacher_cell(config) else plain


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
