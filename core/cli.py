"""The commands: `python -m core …`. Every error a user can cause is one line, never a traceback."""

import json
import sys
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from core.ask import Ask
from core.config import Config, Method, presets, read_config
from core.errors import UserError, unknown
from core.study import Study, cache_folder, open_study, study_names

if TYPE_CHECKING:
    from core.cells import Cell
    from core.live import Networks

IMAGENET = "imagenet"

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Did the small model learn to look where the big one looks?"
)
timings = typer.Typer(no_args_is_help=True, help="Time this machine beside the plain alternative.")
app.add_typer(timings, name="bench")
console = Console()


def main() -> None:
    """Run a command: exit 0 done, 1 failed, 2 wrong usage."""
    try:
        app()
    except UserError as error:
        # As Text: in a message of its own, "[" is no markup.
        Console(stderr=True).print(Text.assemble(("Error: ", "bold red"), str(error)), soft_wrap=True)
        sys.exit(1)


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A preset (quick, birds, …), a TOML file, or a study begun before.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as in the TOML file.")] = None,
    out: Annotated[Path | None, typer.Option(help="The study's folder; cache/studies/<name> by default.")] = None,
) -> None:
    """Run what is missing of a study: train, explain, measure."""
    from core.progress import shown
    from core.run.local import run_study

    config, there = _settings(study, set_)
    out = out or there or _free_folder(config)
    try:
        with shown(console) as on_progress:
            done = run_study(config, out, device, on_progress, _say)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. What was finished is kept: the same command goes on from here.")
        raise typer.Exit(130) from None
    console.print(_summary(done))
    _say_shortfall(done)
    _say(f"The study '{done.name}' is in {done.folder}.")


@app.command()
def expect(
    study: Annotated[str, typer.Argument(help="A preset, a TOML file, or a study begun before.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as in the TOML file.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write the numbers there instead.")] = None,
) -> None:
    """Say how long a whole run would take on this machine, and how much disk; nothing of it is begun."""
    from dataclasses import asdict

    from core.run.expected import expected

    found = expected(_settings(study, set_)[0], device)
    if json_:
        _write(json_, json.dumps({**asdict(found), "sentence": found.sentence}, indent=1))
    else:
        _say(found.sentence)


@app.command("list")
def list_() -> None:
    """List the studies that are there, and the presets."""
    from core.overview import overviews

    table = Table("study", "cells trained", "measured", "state", title="Studies")
    for study in overviews():
        counts = [f"{n} of {study.cells}" for n in (study.trained, study.measured)] if study.cells else ["", ""]
        said = f"{study.sentence}: {study.said}" if study.said else study.sentence
        table.add_row(study.name, *counts, Text(said))
    console.print(table)
    console.print(f"Presets: {', '.join(presets())}", highlight=False)


@app.command()
def show(
    study: str,
    csv: Annotated[Path | None, typer.Option(help="Write every number there instead.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write every number there instead.")] = None,
) -> None:
    """Show a study's numbers and what it found."""
    from core.findings import findings, not_judged, question

    opened = open_study(study)
    summary = opened.summary()
    if csv:
        _write(csv, summary.to_csv(index=False))
    if json_:
        _write(json_, json.dumps(json.loads(summary.to_json(orient="records")), indent=1))
    if csv or json_:
        return
    console.print(_summary(opened))
    _say_shortfall(opened)
    found = findings(summary, opened.config)
    if not found:
        _say(f"None of the four claims can be judged; if the grid has what they ask, measure it with: {opened.command}")
    for finding in found:
        title = f"\n[bold]{finding.claim}. {finding.title}: {finding.verdict}[/]"
        console.print(title, highlight=False, soft_wrap=True)
        console.print(finding.sentence, highlight=False, soft_wrap=True)
        said = (finding.controls, *(f"{each.sentence} {each.verdict}" for each in finding.each), finding.detail)
        for line in filter(None, said):
            console.print(line, style="dim", highlight=False, soft_wrap=True)
    if found and (left := not_judged(found, opened.config)):
        console.print(f"\n{left}", highlight=False, soft_wrap=True)
    asked = question(summary, opened.config)
    if asked is not None:
        console.print(f"\n[bold]{asked.title}[/]", highlight=False, soft_wrap=True)
        console.print(asked.sentence, highlight=False, soft_wrap=True)


@app.command()
def report(
    study: str,
    out: Annotated[Path | None, typer.Option(help="The HTML file; <study>-report.html by default.")] = None,
    files: Annotated[Path | None, typer.Option(help="Folder for the figures (SVG, PNG) and tables (CSV) too.")] = None,
) -> None:
    """Write a study up as one HTML file that asks no other and prints well."""
    from core.report import report as make
    from core.store import write_bytes

    opened = open_study(study)
    out = out or Path(f"{opened.name}-report.html")
    with console.status("Reading the study") as status:
        made = make(opened, lambda done, total, what: status.update(f"Drawing figure {done} of {total}  {what}"))
    write_bytes(out, made.html.encode())
    if files:
        _say(f"{len(made.write_files(files))} figures and tables are in {files}.")
    _say(f"The report is in {out}.")


@app.command()
def explain(
    study: Annotated[
        str, typer.Argument(help="A study, or imagenet: torchvision's networks, for a photo of anything.")
    ],
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    out: Annotated[Path, typer.Option(help="Folder for the overlays and explanations.json.")] = Path("out"),
    models: Annotated[list[str] | None, typer.Option(help="Cells, such as resnet18-a0.1-s0; all by default.")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(get_args(Method))}; the study's by default. May be given more than once."),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            help="The class whose score is explained: teacher (the teacher's answer), own (each network's own answer), "
            "or a class of the study by its name."
        ),
    ] = "teacher",
    score: Annotated[
        str, typer.Option(help="What of the target class is explained: logit, log_softmax or probability.")
    ] = "logit",
    baseline: Annotated[
        str, typer.Option(help="Where the path of integrated gradients begins: mean, black or blurred.")
    ] = "mean",
    tolerance: Annotated[float, typer.Option(help="Level difference at which refining stops, from 0 to 1.")] = 0.1,
) -> None:
    """Explain image files through the networks of a study, or ImageNet's: overlays (PNG) and explanations.json."""
    from core.explain_files import explain_files

    ask = Ask(target, score, baseline, tolerance)  # type: ignore[arg-type]
    if study == IMAGENET and study not in study_names():
        networks, cells, usual = _imagenet(models)
    else:
        networks = opened = open_study(study)
        cells, usual = (
            [opened.cell(name) for name in models] if models else opened.networks,
            opened.config.explain.methods,
        )
        for cell in (opened.teacher, *cells):
            path = opened.path("models", cell)
            if path.relative_to(opened.folder).as_posix() in opened.left_out:
                raise UserError(
                    f"The study keeps the networks of its first seed only (keep.seeds), so {cell.name} is not there; "
                    "train it anew into a folder of its own, with --set keep.seeds=all --out DIR."
                )
            if not path.exists():
                raise UserError(f"The network {cell.name} is not there ({path}); {opened.command} makes it.")
    console.print(f"These networks know {networks.knows}.", style="bold", highlight=False)
    for line in explain_files(networks, images, cells, method or usual, ask, out):
        _say(line)


def _imagenet(models: list[str] | None) -> tuple["Networks", list["Cell"], Sequence[str]]:
    from core.imagenet import ImageNet

    networks = ImageNet()
    cells = [networks.cell(name) for name in models] if models else list(networks.cells)
    with console.status("Looking for the weights") as status:
        networks.fetch(lambda what, done, total: status.update(f"Downloading {what}: {done / 1e6:.0f} MB"))
    return networks, cells, ("saliency", "integrated_gradients")


@app.command()
def add(
    study: str,
    name: str,
    architecture: Annotated[str, typer.Option(help="A torchvision classifier, such as resnet18.")],
    weights: Annotated[Path, typer.Option(help="A .safetensors or .pth state dict.")],
    width: Annotated[float, typer.Option(help="Channels, as a share of the usual.")] = 1.0,
    stem: Annotated[str, typer.Option(help="imagenet or small.")] = "imagenet",
) -> None:
    """Bring your own checkpoint into a study as a cell; `run` then measures it beside the others."""
    from core.imported import add_model

    opened = open_study(study)
    cell = add_model(opened, name, architecture, weights, width, stem)
    console.print(f"{cell.name} is in. Measure it with: {opened.command}", highlight=False, markup=False)


@app.command()
def verify(study: str) -> None:
    """Check every computed file of a study against its checksum."""
    opened = open_study(study)
    count = len(opened.manifest)
    if not count:
        raise UserError(
            f"The study '{opened.name}' has no manifest.json, so there is nothing to compare with; {opened.command} "
            "writes it, and keeps the networks that are there."
        )
    damaged = opened.damaged()
    for name in damaged:
        _say(f"damaged or missing: {name}")
    if damaged:
        raise UserError(
            f"{len(damaged)} of {count} files are not as they were written; mend them with: {opened.command}"
        )
    _say("The only file is as it was written." if count == 1 else f"All {count} files are as they were written.")
    _say("That is every file that a run computes and keeps; study.toml, which may be edited, has no checksum.")
    if unfinished := opened.unfinished():
        _say(unfinished)


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _say_shortfall(study: Study) -> None:
    from core.convergence import shortfall

    if said := shortfall(study, study.cells, "integrated_gradients"):
        _say(said)


@timings.command("ig")
def bench_ig(
    resnet50: Annotated[Path | None, typer.Option(help="ImageNet weights of a ResNet50.")] = None,
    original_strides: Annotated[
        bool, typer.Option("--original-strides", help="That file strides where He et al. 2015 do, not torchvision.")
    ] = False,
    squeezenet: Annotated[Path | None, typer.Option(help="ImageNet weights of a SqueezeNet 1.0.")] = None,
    photos: Annotated[Path | None, typer.Option(help="A folder of .jpg for these two, and those inside it.")] = None,
    images: Annotated[int, typer.Option(min=1, help="Photos to explain.")] = 6,
    study: Annotated[str, typer.Option(help="Its cells are timed too, one an architecture.")] = "birds",
    study_images: Annotated[int, typer.Option(min=1, help="Test images to explain by each.")] = 12,
    rounds: Annotated[int, typer.Option(min=1, help="Times each is timed; a study's cells three times as often.")] = 1,
    intervals: Annotated[int, typer.Option(min=2, help="Of the trapezoid that errors are held against.")] = 1024,
    random: Annotated[bool, typer.Option(help="Time an untrained ResNet101, and measure its memory.")] = True,
    json_: Annotated[Path | None, typer.Option("--json", help="Write every number there too.")] = None,
) -> None:
    """Time integrated gradients beside Captum's at equal error, interleaved; about 20 minutes on two cores."""
    from core.bench.ig import run as run_bench
    from core.bench.record import Options

    options = Options(
        study, study_images, resnet50, original_strides, squeezenet, photos, images, rounds, intervals, random
    )
    if not run_bench(options, console, json_):
        raise typer.Exit(130)


@timings.command("findings")
def bench_findings(
    studies: Annotated[int, typer.Option(min=10, help="Studies to simulate.")] = 1000,
    seeds: Annotated[int, typer.Option(min=2, help="Of each.")] = 5,
    images: Annotated[int, typer.Option(min=24, help="That are explained.")] = 300,
    tests: Annotated[int, typer.Option(min=24, help="Test images.")] = 3000,
) -> None:
    """Count how often intervals hold the truth, and time the estimates of a whole study; about a minute."""
    from core.bench.findings import run as run_bench

    run_bench(console, studies, seeds, images, max(tests, images))


def _settings(study: str, changes: list[str] | None) -> tuple[Config, Path | None]:
    """Return the settings that a word on the command line means, and the folder of the study where it is there."""
    if study in presets() or study.endswith(".toml"):
        return read_config(study, tuple(changes or ())), None
    if study not in study_names():
        raise unknown("preset or study", study, [*presets(), *study_names()])
    there = open_study(study)
    if changes:
        raise UserError(f"--set goes with a preset or a TOML file; edit a copy of {there.folder / 'study.toml'}.")
    return there.config, there.folder


def _free_folder(config: Config) -> Path:
    """Return the study's usual folder, unless a preset of other settings, already trained, would be lost there."""
    folder = cache_folder() / "studies" / config.name
    if (folder / "study.toml").exists() and any((folder / "models").glob("*.safetensors")):
        there = Study(folder).config
        if there != config and config.name in presets():
            raise UserError(
                f"The study '{config.name}' is there with other settings, and its networks would be trained anew. Give "
                f"this one a name of its own (--set name=…) or another folder (--out), or remove {folder} first."
            )
    return folder


def _write(path: Path, text: str) -> None:
    from core.store import write_bytes

    write_bytes(path, text.encode())
    _say(f"Written to {path}.")


def _summary(study: Any) -> Table:
    summary = study.summary()
    wanted = (
        ("accuracy", "", "", ""),
        ("logit_alignment", "", "", ""),
        ("rank_alignment", "integrated_gradients", "density", ""),
        ("focus", "integrated_gradients", "density", "parts"),
    )
    columns = (Column("cell", no_wrap=True), "accuracy", "logit ρ", "part rank ρ", "focus")
    caption = "means with 95 % intervals; part ranks and focus: integrated gradients, density, within the object"
    caption += "; one training a row, so intervals are over images, of these networks only"
    table = Table(*columns, title=study.name, caption=caption, box=SIMPLE, padding=0, pad_edge=False)
    keys = ["measure", "method", "importance", "outside"]
    cells = summary[summary["kind"] == "cell"].set_index(["cell", *keys]).sort_index()
    for cell in study.cells:
        rows = [cells.loc[(cell.name, *key)] if (cell.name, *key) in cells.index else None for key in wanted]
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
