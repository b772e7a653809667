"""`python -m dashboard.bench`, and one of `visitors`, `pages`, `uploads` and `viewer`."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console

from core.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Time the dashboard on the study that ships.")
console = Console()


@app.command()
def visitors(minutes: Annotated[float, typer.Option(min=0.1, help="How long they stay.")] = 10.0) -> None:
    """Let 20 clients and 2 Chromiums click through the pages, every 5 s; exit code 1 if one got no page."""
    from dashboard.bench.report import crowd_table, failures
    from dashboard.bench.server import served
    from dashboard.bench.visitors import crowd

    with served() as server:
        found = asyncio.run(crowd(server, minutes))
    console.print(crowd_table(found))
    wrong = failures(found.clicks)
    for sentence in wrong:
        console.print(sentence, style="red", markup=False, highlight=False)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def pages(rounds: Annotated[int, typer.Option(min=1, help="Times that each thing is timed.")] = 5) -> None:
    """Time the first page of a fresh server, every page change, and α and network changes, in a Chromium."""
    from dashboard.bench.pages import timings
    from dashboard.bench.report import pages_table

    console.print(pages_table(asyncio.run(timings(rounds))))


@app.command()
def uploads() -> None:
    """Let 10 visitors drop a photo at the same moment; exit code 1 if one got no answer, or memory went above 3 GB."""
    from dashboard.bench.report import uploads_table
    from dashboard.bench.server import served
    from dashboard.bench.uploads import LARGEST, together

    with served() as server:
        found = asyncio.run(together(server))
        peak = server.peak()
    console.print(uploads_table(found, peak))
    raise typer.Exit(1 if peak > LARGEST or any(upload.failure for upload in found) else 0)


@app.command()
def viewer() -> None:
    """Drag, point, swipe and zoom in the viewer; exit code 1 if the server was told of any of it."""
    from dashboard.bench.report import viewer_table
    from dashboard.bench.server import served
    from dashboard.bench.viewer import acts

    with served() as server:
        found = asyncio.run(acts(server))
    console.print(viewer_table(found))
    raise typer.Exit(1 if any(act.messages for act in found) else 0)


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
