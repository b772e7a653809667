"""What a report is made of: sections of sentences, figures and tables, before any of it is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import pandas as pd

from core.cost_measures import COSTS, amount
from core.figures.encoding import FORMATS, Spec, written

NONE = "–"
"""What stands where a number is undefined."""
SIGNS = {"supported": "✓ Supported", "contradicted": "✗ Contradicted", "not settled": "? Not settled"}
"""A verdict in words with its sign, never by colour alone."""


@dataclass(frozen=True)
class Text:
    """A paragraph. lead: the answer; small: small print; missing: why something is not here; code: as it is typed."""

    text: str
    kind: Literal["plain", "lead", "small", "missing", "code"] = "plain"


@dataclass(frozen=True)
class Verdict:
    """How a claim is judged, with the sentence that says so."""

    verdict: str
    sentence: str


@dataclass(frozen=True)
class Items:
    """Terms and what they mean; a term may be "" for a plain list."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Figure:
    """A chart; `name` is that of its files."""

    name: str
    caption: str
    description: str
    """For who does not see it."""
    spec: Spec


@dataclass(frozen=True)
class Entry:
    """A cell of a table; `row` is the place in summary.parquet of the number that it shows, −1 where it shows none."""

    text: str
    row: int = -1


@dataclass(frozen=True)
class Table:
    """A table as it is printed, and the numbers in full for its CSV; `name` is that of the file."""

    name: str
    caption: str
    head: tuple[str, ...]
    body: tuple[tuple[Entry, ...], ...]
    data: pd.DataFrame


Block: TypeAlias = Text | Verdict | Items | Figure | Table


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; level 3 belongs to the level 2 before it."""

    title: str
    blocks: list[Block] = field(default_factory=list)
    level: Literal[2, 3] = 2


def number(value: float, measure: str, difference: bool = False) -> str:
    """Write a number as the report has it: shares in percent, their differences in points, costs with their unit."""
    if pd.isna(value):
        return NONE
    if measure in COSTS:
        return amount(measure, value)
    sign = "+" if difference else ""
    if "%" in FORMATS.get(measure, ""):
        return written(value * 100, f"{sign}.1f") + (" points" if difference else "%")
    return written(value, f"{sign}.3f")


def interval(low: float, high: float, measure: str, difference: bool = False) -> str:
    """Write an interval as the report has it: [low, high], with units as `number`."""
    if pd.isna(low) or pd.isna(high):
        return NONE
    text = f"[{number(low, measure, difference)}, {number(high, measure, difference)}]"
    return text.replace(" points,", ",").replace(" ms,", ",")


def table_of_rows(
    name: str,
    caption: str,
    rows: pd.DataFrame,
    lead: Sequence[tuple[str, Callable[[pd.Series], str]]],
    difference: bool = False,
    verdict: Callable[[float, float], str] | None = None,
) -> Table:
    """Print rows of a summary: who and how, then estimate, interval, how many values it is from, how many left out.

    Parameters
    ----------
    name, caption : str
        Of the table.
    rows : DataFrame
        Rows of a summary; the index is their place in it.
    lead : sequence of (str, callable)
        First columns: their heads, and what each says of a row.
    difference : bool
        Whether the numbers are differences, to be written with a sign.
    verdict : callable
        Judges an interval in a last column.
    """
    body = []
    for place, row in rows.iterrows():
        at = int(str(place))
        measure = str(row["measure"])
        entries = [Entry(say(row)) for _, say in lead]
        entries.append(Entry(number(row["estimate"], measure, difference), at))
        entries.append(Entry(interval(row["low"], row["high"], measure, difference), at))
        entries += [Entry(str(row["n"]), at), Entry(str(row["skipped"]), at)]
        if verdict is not None:
            known = pd.notna(row["low"]) and pd.notna(row["high"])
            entries.append(Entry(verdict(row["low"], row["high"]) if known else NONE))
        body.append(tuple(entries))
    head = [title for title, _ in lead]
    head += ["Difference" if difference else "Estimate", "95 % interval", "From", "Left out"]
    head += ["Judged"] if verdict is not None else []
    return Table(name, caption, tuple(head), tuple(body), rows)
