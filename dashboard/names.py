"""Cells and correlations in words."""

import math
import re

from core.cells import Cell
from core.figures.encoding import trained, written
from core.findings import nice_name


def title(cell: Cell) -> str:
    """Return what a cell is called: its architecture, or an imported network's own name."""
    return cell.own_name or nice_name(cell.architecture)


def kind(cell: Cell, teacher: Cell) -> str:
    """Return how a cell was trained."""
    if cell == teacher:
        return "the teacher"
    return f"imported, {nice_name(cell.architecture)}" if cell.alpha is None else trained(cell.alpha) + looks(cell)


def short(cell: Cell, teacher: Cell) -> str:
    """Return a cell in a few words: "ResNet18, α = 0.1"."""
    if cell == teacher:
        return f"{title(cell)}, teacher"
    return title(cell) if cell.alpha is None else f"{title(cell)}, α = {cell.alpha}{looks(cell)}"


def subject(cell: Cell) -> str:
    """Return a cell as the subject of a sentence: "ResNet18 distilled at α = 0.1"."""
    if cell.alpha is None:
        return title(cell)
    return (
        f"{title(cell)} undistilled" if cell.alpha == 1 else f"{title(cell)} distilled at α = {cell.alpha}{looks(cell)}"
    )


def looks(cell: Cell) -> str:
    """Return ", λ = 1" of a network that also learned to look where the teacher looks, else ""."""
    return f", λ = {cell.explanation_weight:g}" if cell.explanation_weight else ""


def decimal(value: float) -> str:
    """Return a number with two decimals; "undefined" for NaN."""
    return "undefined" if math.isnan(value) else written(value, ".2f")


def rho(value: float) -> str:
    """Return "ρ = 0.61", or that it is undefined."""
    return "ρ undefined" if math.isnan(value) else f"ρ = {decimal(value)}"


def plain(text: str) -> str:
    """Return a text in which Markdown finds nothing to do: names of classes and files may hold anything."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~$:&-])", r"\\\1", text)
