"""The commands: `python -m core …`. Every error a user can cause is one line, never a traceback."""

import sys

import typer
from rich.text import Text

from core.cli.clustering import slurm
from core.cli.explaining import add, explain
from core.cli.reading import list_, report, show, verify
from core.cli.running import expect, run
from core.cli.said import errors
from core.cli.timing import bench_cluster, bench_data, bench_distill, bench_findings, bench_ig, bench_precision
from core.errors import UserError

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Did the small model learn to look where the big one looks?"
)
timings = typer.Typer(no_args_is_help=True, help="Time this machine beside the plain alternative.")
app.add_typer(timings, name="bench")
machines = typer.Typer(no_args_is_help=True, help="Run a study on many machines.")
app.add_typer(machines, name="cluster")

# In the order in which the help lists them.
app.command()(run)
app.command()(expect)
app.command("list")(list_)
app.command()(show)
app.command()(report)
app.command()(explain)
app.command()(add)
app.command()(verify)
machines.command("slurm")(slurm)
timings.command("ig")(bench_ig)
timings.command("distill")(bench_distill)
timings.command("findings")(bench_findings)
timings.command("data")(bench_data)
timings.command("precision")(bench_precision)
timings.command("cluster")(bench_cluster)


def main() -> None:
    """Run a command: exit 0 done, 1 failed, 2 wrong usage."""
    try:
        app()
    except (UserError, OSError, MemoryError) as error:  # the latter two are the system's: no room, no memory, …
        from core.run.failures import why

        # As Text: in a message of its own, "[" is no markup.
        errors.print(Text.assemble(("Error: ", "bold red"), why(error)), soft_wrap=True)
        sys.exit(1)
