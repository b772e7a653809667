"""Commands about images and networks of one's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from core.ask import Ask
from core.cli.said import console, say
from core.config import Method
from core.errors import UserError
from core.study import open_study, study_names

if TYPE_CHECKING:
    from core.cells import Cell
    from core.live import Networks

IMAGENET = "imagenet"


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
    console.print(f"These networks know {networks.knows}.", style="bold", highlight=False, markup=False)
    for line in explain_files(networks, images, cells, method or usual, ask, out):
        say(line)


def _imagenet(models: list[str] | None) -> tuple["Networks", list["Cell"], Sequence[str]]:
    from core.imagenet import ImageNet

    networks = ImageNet()
    cells = [networks.cell(name) for name in models] if models else list(networks.cells)
    with console.status("Looking for the weights") as status:
        networks.fetch(lambda what, done, total: status.update(f"Downloading {what}: {done / 1e6:.0f} MB"))
    return networks, cells, ("saliency", "integrated_gradients")


def add(
    study: str,
    name: str,
    architecture: Annotated[str, typer.Option(help="A torchvision classifier, such as resnet18.")],
    weights: Annotated[Path, typer.Option(help="A .safetensors or .pth state dict.")],
    width: Annotated[
        float | None, typer.Option(help="Channels, as a share of the usual; the study's by default.")
    ] = None,
    stem: Annotated[str | None, typer.Option(help="imagenet or small; the study's by default.")] = None,
) -> None:
    """Bring your own checkpoint into a study as a cell; `run` then measures it beside the others."""
    from core.imported import add_model

    opened = open_study(study)
    own = opened.config.students
    cell = add_model(opened, name, architecture, weights, own.width if width is None else width, stem or own.stem)
    console.print(f"{cell.name} is in. Measure it with: {opened.command}", highlight=False, markup=False)
