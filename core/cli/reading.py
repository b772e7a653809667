"""Commands that read studies: which there are, what one found, as a report too, and whether its files are whole."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from core.cli.said import console, say, say_shortfall, study_table, write
from core.config import presets
from core.errors import UserError
from core.study import open_study


def list_() -> None:
    """List the studies that are there, and the presets."""
    from core.overview import overviews

    table = Table("study", "cells trained", "measured", "state", title="Studies")
    for study in overviews():
        counts = [f"{n} of {study.cells}" for n in (study.trained, study.measured)] if study.cells else ["", ""]
        said = f"{study.sentence}: {study.said}" if study.said else study.sentence
        table.add_row(Text(study.name), *counts, Text(said))
    console.print(table)
    console.print(f"Presets: {', '.join(presets())}", highlight=False)


def show(
    study: str,
    csv: Annotated[Path | None, typer.Option(help="Write every number there instead.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write every number there instead.")] = None,
) -> None:
    """Show a study's numbers and what it found."""
    from core.findings import findings, looking, not_judged, question

    opened = open_study(study)
    summary = opened.summary()
    if csv:
        write(csv, summary.to_csv(index=False))
    if json_:
        write(json_, json.dumps(json.loads(summary.to_json(orient="records")), indent=1))
    if csv or json_:
        return
    console.print(study_table(opened, summary))
    say_shortfall(opened, summary)
    found = findings(summary, opened.config)
    if not found:
        say(f"None of the four claims can be judged; if the grid has what they ask, measure it with: {opened.command}")
    for finding in found:
        title = f"\n[bold]{finding.claim}. {finding.title}: {finding.verdict}[/]"
        console.print(title, highlight=False, soft_wrap=True)
        console.print(finding.sentence, highlight=False, soft_wrap=True)
        said = (finding.controls, *(f"{each.sentence} {each.verdict}" for each in finding.each), finding.detail)
        for line in filter(None, said):
            console.print(line, style="dim", highlight=False, soft_wrap=True)
    if found and (left := not_judged(found, opened.config)):
        console.print(f"\n{left}", highlight=False, soft_wrap=True)
    for asked in filter(None, (question(summary, opened.config), looking(summary, opened.config))):
        about = " (exploratory)" if asked.exploratory else ""
        console.print(f"\n[bold]{asked.title}[/]{about}", highlight=False, soft_wrap=True)
        console.print(asked.sentence, highlight=False, soft_wrap=True)


def report(
    study: str,
    out: Annotated[Path | None, typer.Option(help="The HTML file; <study>-report.html by default.")] = None,
    files: Annotated[Path | None, typer.Option(help="Folder for the figures (SVG, PNG) and tables (CSV) too.")] = None,
) -> None:
    """Write a study up as one HTML file that asks no other and prints well."""
    from core.report import report as make
    from core.run.steady import steady
    from core.store import write_bytes

    opened = open_study(study)
    out = out or Path(f"{opened.called}-report.html")
    with steady(opened.folder), console.status("Reading the study") as status:
        made = make(opened, lambda done, total, what: status.update(f"Drawing figure {done} of {total}  {what}"))
    write_bytes(out, made.html.encode())
    if files:
        say(f"{len(made.write_files(files))} figures and tables are in {files}.")
    say(f"The report is in {out}.")


def verify(study: str) -> None:
    """Check every file of a study against its checksum."""
    from core.given import changed
    from core.run.steady import steady

    opened = open_study(study)
    count = len(opened.manifest)
    if not count:
        raise UserError(
            f"The study '{opened.called}' has no manifest.json, so there is nothing to compare with; {opened.command} "
            "writes it, and keeps the networks that are there."
        )
    with steady(opened.folder):
        damaged, others = opened.damaged(), changed(opened)
    for name in damaged:
        say(f"damaged or missing: {name}")
    for name in others:
        say(f"changed since: {name}")
    if damaged:
        raise UserError(
            f"{len(damaged)} of {count} files are not as they were written; mend them with: {opened.command}"
        )
    if others:
        raise UserError(
            f"All {count} files that a run computes are as they were written, but not {' and '.join(others)}, which "
            f"a run does not make anew; put it back, or go on with it as it is: {opened.command}"
        )
    say("The only file is as it was written." if count == 1 else f"All {count} files are as they were written.")
    if unfinished := opened.unfinished():
        say(unfinished)
