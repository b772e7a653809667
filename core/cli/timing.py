"""Commands that time this machine."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.running import settings_of
from core.cli.said import console


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


def bench_findings(
    studies: Annotated[int, typer.Option(min=10, help="Studies to simulate.")] = 1000,
    seeds: Annotated[int, typer.Option(min=2, help="Of each.")] = 5,
    images: Annotated[int, typer.Option(min=24, help="That are explained.")] = 300,
    tests: Annotated[int, typer.Option(min=24, help="Test images.")] = 3000,
) -> None:
    """Count how often intervals hold the truth, and time the estimates of a whole study; about a minute."""
    from core.bench.findings import run as run_bench

    run_bench(console, studies, seeds, images, max(tests, images))


def bench_data(images: Annotated[int, typer.Option(min=1000, help="Files to list.")] = 200_000) -> None:
    """Time the listing of a folder of many images, and measure its memory; under a minute."""
    from core.bench.data import run as run_bench

    run_bench(console, images)


def bench_distill(
    study: Annotated[
        str, typer.Argument(help="Whose networks and recipe: a preset, a TOML file, or a study.")
    ] = "birds",
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as in the TOML file.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="In which every way takes its turn.")] = 7,
    batches: Annotated[int, typer.Option(min=1, help="Of each way in a round.")] = 3,
    json_: Annotated[Path | None, typer.Option("--json", help="Write every number there too.")] = None,
) -> None:
    """Time the training of a grid beside its plain form, interleaved; a few minutes on a CPU."""
    from core.bench.distill import run as run_bench

    run_bench(console, settings_of(study, set_)[0], rounds, batches, json_)


def bench_precision(
    study: Annotated[str, typer.Argument(help="Whose grid: a preset, a TOML file, or a study.")] = "quick",
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as in the TOML file.")] = None,
) -> None:
    """Train a grid in fp32 and in bf16, and compare accuracies over seeds; as long as two runs of the study."""
    from core.bench.precision import run as run_bench

    run_bench(console, settings_of(study, set_)[0])


def bench_cluster(
    study: Annotated[str, typer.Option(help="Whose networks are explained; it has to be trained.")] = "birds",
    images: Annotated[int, typer.Option(min=1, help="That each is explained on.")] = 64,
    rounds: Annotated[int, typer.Option(min=1, help="Of one node and two in turn.")] = 3,
) -> None:
    """Explain a study's networks on one and on two single-core nodes of a Ray cluster; a few minutes on two cores."""
    from importlib.util import find_spec

    from core.errors import UserError
    from core.study import open_study

    if find_spec("ray") is None:
        raise UserError("Ray is not installed: pip install -e '.[cluster]'")
    from core.bench.cluster import run as run_bench

    run_bench(console, open_study(study), images, rounds)
