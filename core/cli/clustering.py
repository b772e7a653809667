"""Commands for many machines."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.running import settings_of
from core.cli.said import write


def slurm(
    study: Annotated[str, typer.Argument(help="A preset, a TOML file, or a study begun before.")],
    nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    cpus: Annotated[int, typer.Option(min=1, help="Cores of each.")] = 8,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of each.")] = 0,
    hours: Annotated[float, typer.Option(min=0.2, max=8760, help="Of an allocation; the next one goes on.")] = 24.0,
    partition: Annotated[str, typer.Option(help="Slurm's name for it.")] = "",
    account: Annotated[str, typer.Option(help="Slurm's name for it.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the script there; it is printed by default.")] = None,
) -> None:
    """Write a script for sbatch that starts Ray in an allocation and runs a study on it."""
    from core.run.slurm import script

    settings_of(study, None)  # what is wrong with it is said before it waits in a queue
    text = script(study, nodes, cpus, gpus, hours, partition, account)
    if out:
        write(out, text)
    else:
        typer.echo(text, nl=False)
