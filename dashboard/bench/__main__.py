"""`python -m dashboard.bench`, and one of `visitors`, `pages`, `uploads` and `viewer`."""

import asyncio
import sys
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.console import Console

from core.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Time the dashboard on the study that ships.")
console = Console()


@app.command()
def visitors(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long they stay.")] = 10.0,
    clients: Annotated[int, typer.Option(min=1, help="How many come, beside 2 Chromiums.")] = 20,
    photos: Annotated[int, typer.Option(min=0, help="How many of them drop photos.")] = 5,
) -> None:
    """Let clients, some with a photo, and 2 Chromiums click through the pages; exit code 1 if it is too much for it."""
    from dashboard.bench.report import crowd_misses, crowd_table
    from dashboard.bench.server import served
    from dashboard.bench.visitors import crowd

    with served() as server:
        found = asyncio.run(crowd(server, minutes, clients, photos=photos))
        peak = server.peak()
    console.print(crowd_table(found, peak))
    _end(crowd_misses(found))


@app.command()
def pages(rounds: Annotated[int, typer.Option(min=1, help="Times that each thing is timed.")] = 5) -> None:
    """Time the first page of a fresh server, every page change, and α and network changes; exit code 1 if too slow."""
    from dashboard.bench.pages import timings
    from dashboard.bench.report import pages_misses, pages_table

    found = asyncio.run(timings(rounds))
    console.print(pages_table(found))
    _end(pages_misses(found))


@app.command()
def uploads(
    imagenet: Annotated[
        bool, typer.Option(help="Ask networks of ImageNet's size, of random weights: minutes each.")
    ] = False,
) -> None:
    """Let 10 visitors drop a photo at the same moment; exit code 1 if one got no answer, or memory went above 3 GB."""
    from dashboard.bench.report import uploads_table
    from dashboard.bench.server import HOME, ROOT, served
    from dashboard.bench.uploads import IMAGENET, LARGEST, together
    from dashboard.bench.weights import SCRIPT, weights_home

    with ExitStack() as stack:
        home = {"TORCH_HOME": stack.enter_context(weights_home())} if imagenet else {}
        server = stack.enter_context(served(ROOT / "cache", SCRIPT if imagenet else HOME, 0, **home))
        found = asyncio.run(together(server, asked=IMAGENET if imagenet else ""))
        peak = server.peak()
    console.print(uploads_table(found, peak))
    raise typer.Exit(1 if peak > LARGEST or any(upload.failure for upload in found) else 0)


@app.command()
def viewer() -> None:
    """Drag, point, swipe and zoom in the viewer; exit code 1 if the server was told of any of it, or it is too slow."""
    from dashboard.bench.report import viewer_misses, viewer_table
    from dashboard.bench.server import served
    from dashboard.bench.viewer import acts

    with served() as server:
        found = asyncio.run(acts(server))
    console.print(viewer_table(found))
    _end(viewer_misses(found))


def _end(missed: list[str]) -> None:
    for sentence in missed:
        console.print(sentence, style="red", markup=False, highlight=False)
    raise typer.Exit(1 if missed else 0)


def main() -> None:
    """Run a command: exit 0 done, 1 failed, 2 wrong usage."""
    try:
        app()
    except UserError as error:
        sys.exit(f"Error: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"Error: {error}. The bench needs what `make test` installs: pip install -r requirements-dev.txt")


if __name__ == "__main__":
    main()
