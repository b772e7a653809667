"""What commands print and write: lines, files, and the table of a study's numbers."""

import unicodedata
from collections.abc import Iterable
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from core.study import Study

if TYPE_CHECKING:
    import pandas as pd


class Terminal(Console):
    """A terminal that no name steers: one from a file may hold any character, of which it shows the number."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return what is printed, of which only rich's own control codes and styles steer."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else "".join(map(_shown, text)), style, control)


def _shown(character: str) -> str:
    """Return what stands for a character: of a control character, or of a byte that is no text, its number."""
    steers = character != "\n" and unicodedata.category(character) in ("Cc", "Cs")
    return character.encode("unicode_escape").decode() if steers else character


console, errors = Terminal(), Terminal(stderr=True)


def say(line: str) -> None:
    """Print a line as it is, however long: what comes from files is no markup."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def say_shortfall(study: Study, summary: "pd.DataFrame") -> None:
    """Say how many of a study's maps are less exact than asked, if any."""
    from core.convergence import shortfall

    if said := shortfall(summary, study.config.explain, "integrated_gradients"):
        say(said)


def write(path: Path, text: str) -> None:
    """Write a file and say where it is."""
    from core.store import write_bytes

    write_bytes(path, text.encode())
    say(f"Written to {path}.")


def study_table(study: Study, summary: "pd.DataFrame") -> Table:
    """Return the main numbers of every network of a study, with their intervals."""
    wanted = (
        ("accuracy", "", "", ""),
        ("logit_alignment", "", "", ""),
        ("rank_alignment", "integrated_gradients", "density", ""),
        ("focus", "integrated_gradients", "density", "parts"),
    )
    columns = (Column("cell", no_wrap=True), "accuracy", "logit ρ", "part rank ρ", "focus")
    caption = "means with 95 % intervals; part ranks and focus: integrated gradients, density, within the object"
    caption += "; one training a row, so intervals are over images, of these networks only"
    table = Table(*columns, title=Text(study.called), caption=caption, box=SIMPLE, padding=0, pad_edge=False)
    keys = ["measure", "method", "importance", "outside"]
    cells = summary[summary["kind"] == "cell"].set_index(["cell", *keys]).sort_index()
    for cell in study.cells:
        rows = [cells.loc[(cell.name, *key), :] if (cell.name, *key) in cells.index else None for key in wanted]
        texts = ["–" if row is None else _number(row) for row in rows]
        if cell == study.teacher:
            texts[1:3] = ["the teacher", "the teacher"]
        table.add_row(cell.name, *texts)
    return table


def _number(row: Any) -> str:
    if isnan(row.estimate):
        return "–"
    if isnan(row.low):
        return f"{row.estimate:.2f}".replace("0.", ".")
    return f"{row.estimate:.2f} ({row.low:.2f}–{row.high:.2f})".replace("0.", ".")
