"""What the person has chosen: read by every page, drawn once by `dashboard.sidebar`."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.cells import Cell, grid, teacher_cell, unlooking
from core.config import Config
from core.errors import UserError
from core.figures.tables import View
from core.study import Study
from dashboard import loaded
from dashboard.once import once
from dashboard.words import METHOD_LABELS

P = ParamSpec("P")
T = TypeVar("T")

PAGE = "page shown"
"""Session state: the address of the page that runs; `dashboard.sidebar` sets it."""
YOURS = "your_image"
"""The page of a visitor's own photo, which is forgotten with it."""
LIVE = ("explanations", YOURS)
"""Pages that compute maps, and so can show methods that a study does not have."""
STUDYS = "study"
"""In place of such a method: the study's own."""
KEPT = "kept"
"""Plain session state behind the widgets: a widget's own value can be lost at a page change, this cannot."""

GONE = "studies deleted"
"""Session state: names that the address may still ask for, without being told that they are missing."""


@dataclass(frozen=True, eq=False)
class Choices:
    """The study, and what of its grid is shown; equal to another while both show the same numbers."""

    study: Study
    architectures: list[str]
    alphas: list[float]
    method: str
    weight: float = 0.0
    """λ of the distilled networks."""

    @property
    def config(self) -> Config:
        """The study's settings."""
        return self.study.config

    @cached_property
    def view(self) -> View:
        """The chosen part of the study's summary, as `core.figures.tables` takes it."""
        summary = loaded.summary(self.study, self.weight)
        return View(summary, self.config, self.architectures, self.alphas, self.method)

    def of(self, make: Callable[Concatenate[View, P], T], *asked: P.args, **named: P.kwargs) -> T:
        """Return what a function makes of the view, made once while the study and what is chosen stay the same."""
        made: T = _of(self, make, *asked, **named)
        return made

    @cached_property
    def _about(self) -> tuple[Hashable, ...]:
        shown = tuple(self.architectures), tuple(self.alphas), self.method, self.weight
        return str(self.study.folder), loaded.stamp(self.study.folder), *shown

    def __eq__(self, other: object) -> bool:
        """Return whether the other shows the same of the same study, which has not changed in between."""
        return isinstance(other, Choices) and self._about == other._about

    def __hash__(self) -> int:
        """Return what fits `==`."""
        return hash(self._about)


@once(1024)
def _of(choices: Choices, make: Callable[..., Any], *asked: Any, **named: Any) -> Any:
    return make(choices.view, *asked, **named)


def choices() -> Choices:
    """Return what the sidebar says; the usual study, whole, where nothing was chosen.

    Raises
    ------
    UserError
        There is no study, or the chosen one cannot be read.
    """
    wish = kept()
    name = wish.get("study") or loaded.usual_study()
    if name is None:
        raise UserError("There is no study yet. Make a small one with: python -m core run quick")
    study = loaded.study(name)
    methods = list(study.config.explain.methods)
    method = wish.get("method")
    other = wish.get("other_method") if st.session_state.get(PAGE) in LIVE else None
    if other in other_methods(study):
        method, methods = other, [other]
    return Choices(
        study=study,
        architectures=_those(wish.get("architectures"), architectures(study)),
        alphas=_those(wish.get("alphas"), study.config.students.alphas),
        method=method if method in methods else usual_method(study),
        weight=_those([wish.get("looking", 0.0)], study.config.students.explanation_weights)[0],
    )


def cells(choices: Choices) -> list[Cell]:
    """Return the chosen part of the grid: the teacher first, one seed of each, imported networks last."""
    config = choices.config
    teacher = teacher_cell(config)
    chosen = [
        cell
        for cell in grid(config)
        if cell.seed == config.students.seeds[0]
        and cell.architecture in choices.architectures
        and cell.alpha in choices.alphas
        and cell.explanation_weight == (choices.weight if cell.distilled else 0)
        and cell != teacher
    ]
    strangers = [cell for cell in loaded.imported(choices.study) if cell.architecture in choices.architectures]
    return [teacher, *chosen, *strangers]


def with_unlooking(cells: list[Cell]) -> list[Cell]:
    """Return networks, each that learned to look behind the same one at λ = 0."""
    pairs = [(unlooking(cell), cell) for cell in cells]
    return [cell for pair in pairs for cell in pair if cell is not None]


def architectures(study: Study) -> list[str]:
    """Return the architectures there are, in the study's order (usually from large to small)."""
    own = study.config.students.architectures
    return [*own, *sorted({cell.architecture for cell in loaded.imported(study)} - set(own))]


def other_methods(study: Study) -> list[str]:
    """Return the methods of explaining that a study was not made with."""
    return [method for method in METHOD_LABELS if method not in study.config.explain.methods]


def usual_method(study: Study) -> str:
    """Return the method of the primary analysis where the study has it, else its first."""
    methods = study.config.explain.methods
    return "integrated_gradients" if "integrated_gradients" in methods else methods[0]


def by_address() -> bool:
    """Return whether the browser went back or forward, or a mark was clicked: the address alone says what is shown."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def kept() -> dict[str, Any]:
    """Return what was chosen so far, by widget key."""
    found: dict[str, Any] = st.session_state.setdefault(KEPT, {})
    return found


def _those(wish: list[Any] | None, there: list[Any]) -> list[Any]:
    return [value for value in there if value in (wish or ())] or list(there)
