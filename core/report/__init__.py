"""A study as one page that reads like the results of a paper: sentences, figures, tables, and how to make it again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core import sentences
from core.figures.tables import whole
from core.findings import findings
from core.report import beyond, draw, looking, others, results, setting
from core.report.page import Drawn, render
from core.report.pieces import Figure, Section, Table
from core.store import write_bytes
from core.study import Study

Piece = TypeVar("Piece", Figure, Table)

OnProgress = Callable[[int, int, str], object]
"""Done, of how many, what."""


@dataclass(frozen=True, eq=False)
class Report:
    """A report with its figures drawn."""

    html: str
    """One file that asks no other."""
    figures: dict[str, Drawn]
    tables: dict[str, Table]

    def write_files(self, folder: Path) -> list[Path]:
        """Write every figure as SVG and PNG, and every table as CSV; return the files.

        Raises
        ------
        UserError
            The folder cannot be written.
        """
        written = []
        for name, drawn in self.figures.items():
            for suffix, content in (("svg", drawn.svg.encode()), ("png", drawn.png)):
                written.append(folder / "figures" / f"{name}.{suffix}")
                write_bytes(written[-1], content)
        for name, table in self.tables.items():
            written.append(folder / "tables" / f"{name}.csv")
            write_bytes(written[-1], table.data.to_csv(index=False).encode())
        return written


def report(study: Study, on_progress: OnProgress = lambda done, total, what: None) -> Report:
    """Make a study's report.

    Parameters
    ----------
    study : Study
        A finished one.
    on_progress : callable
        Told before each figure is drawn, and at the end.

    Raises
    ------
    UserError
        The study is not finished, or a file of it is damaged.
    """
    summary = study.summary()
    view = whole(summary, study.config)
    source = results.Source(view, findings(summary, study.config), len(study.config.students.seeds) > 1)
    sections = [
        setting.studied(study),
        *results.findings_sections(source),
        beyond.question(source),
        *looking.looking(source, summary),
        beyond.trade_offs(source),
        *beyond.parts(source),
        *beyond.controls(source),
        *others.beside_others(source),
        setting.limits(study),
        setting.definitions(),
        *beyond.other_measures(source),
        *setting.again(study),
    ]
    figures = list(_all(sections, Figure))
    drawn = {}
    for done, figure in enumerate(figures):
        on_progress(done, len(figures), figure.name)
        drawn[figure.name] = Drawn(draw.svg(figure.spec, figure.name), draw.png(figure.spec))
    on_progress(len(figures), len(figures), "")
    verdicts = {finding.page: finding.verdict for finding in source.found}
    answer = sentences.answer(verdicts.get("focus"), verdicts.get("rank"), not source.by_seed)
    tables = {table.name: table for table in _all(sections, Table)}
    everything = Table("summary", "", (), (), summary)
    html = render(study.name, sentences.QUESTION, answer, sections, drawn)
    return Report(html, drawn, {**tables, "summary": everything})


def _all(sections: list[Section], kind: type[Piece]) -> Iterator[Piece]:
    for section in sections:
        for block in section.blocks:
            if isinstance(block, kind):
                yield block
