"""A cell of the grid and its name."""

import re
from dataclasses import dataclass, replace

from core.config import Config
from core.errors import unknown

_NUMBER = r"[0-9.]+(?:e[-+]\d+)?"
_NAME = re.compile(rf"(?P<architecture>.+)-a(?P<alpha>{_NUMBER})(?:-e(?P<weight>{_NUMBER}))?-s(?P<seed>\d+)")


@dataclass(frozen=True, order=True)
class Cell:
    """One architecture at one α with one seed.

    An untrained one, a control, has no α; an imported network has neither α nor seed, and its own name. With an
    `explanation_weight` λ a distilled one also learns to look where the teacher looks.
    """

    architecture: str
    alpha: float | None
    seed: int | None
    own_name: str = ""
    explanation_weight: float = 0.0

    @property
    def name(self) -> str:
        """`resnet18-a0.1-s0`, with λ `resnet18-a0.1-e2.0-s0`, `resnet18-random-s0`, or the imported one's own name."""
        if self.own_name:
            return self.own_name
        looks = f"-e{self.explanation_weight}" if self.explanation_weight else ""
        return f"{self.architecture}-{'random' if self.untrained else f'a{self.alpha}'}{looks}-s{self.seed}"

    @property
    def distilled(self) -> bool:
        """Whether it learned from a teacher too."""
        return self.alpha is not None and self.alpha < 1

    @property
    def untrained(self) -> bool:
        """Whether this is the control that has learnt nothing."""
        return self.alpha is None and self.seed is not None


def teacher_cell(config: Config) -> Cell:
    """Return the teacher: the first seed of its architecture, trained without distillation."""
    return Cell(config.teacher.architecture, 1.0, config.students.seeds[0])


def grid(config: Config) -> list[Cell]:
    """Return every trained cell of a study, the teacher first; only distilled ones have other λ than 0."""
    teacher = teacher_cell(config)
    students = config.students
    cells = [
        Cell(architecture, alpha, seed, explanation_weight=weight)
        for architecture in students.architectures
        for alpha in students.alphas
        for weight in (students.explanation_weights if alpha < 1 else [0.0])
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


def unlooking(cell: Cell) -> Cell | None:
    """Return what a network that learned to look is compared with: the same at λ = 0; None where it did not."""
    return replace(cell, explanation_weight=0.0) if cell.explanation_weight else None


def parse_cell(name: str) -> Cell:
    """Read a cell's name.

    Raises
    ------
    UserError
        It is not of the form architecture-aALPHA-sSEED or architecture-aALPHA-eLAMBDA-sSEED.
    """
    match = _NAME.fullmatch(name)
    if not match:
        raise unknown("cell", name, ())
    weight = float(match["weight"] or 0)
    return Cell(match["architecture"], float(match["alpha"]), int(match["seed"]), explanation_weight=weight)
