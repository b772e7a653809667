"""Commands that run a study, or say what that would take."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.cli.said import console, errors, say, say_shortfall, study_table, write
from core.config import Config, presets, read_config
from core.errors import UserError, unknown
from core.run.address import check_address
from core.study import Study, cache_folder, open_study, study_names


def run(
    study: Annotated[str, typer.Argument(help="A preset (quick, birds, …), a TOML file, or a study begun before.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as in the TOML file.")] = None,
    out: Annotated[Path | None, typer.Option(help="The study's folder; cache/studies/<name> by default.")] = None,
    cluster: Annotated[str, typer.Option(help="auto or HOST:PORT: on the machines of a Ray cluster.")] = "",
) -> None:
    """Run what is missing of a study: train, explain, measure."""
    config, there = settings_of(study, set_)
    if cluster:
        check_address(cluster)
    from core.progress import shown
    from core.run.complete import run_study

    out = out or there or _free_folder(config)
    try:
        with shown(console) as on_progress:
            done = run_study(config, out, device, on_progress, say, cluster)
    except KeyboardInterrupt:
        errors.print("Stopped. What was finished is kept: the same command goes on from here.")
        raise typer.Exit(130) from None
    summary = done.summary()
    console.print(study_table(done, summary))
    say_shortfall(done, summary)
    say(f"The study '{done.called}' is in {done.folder}.")


def expect(
    study: Annotated[str, typer.Argument(help="A preset, a TOML file, or a study begun before.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as in the TOML file.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write the numbers there instead.")] = None,
) -> None:
    """Say how long a whole run would take on this machine, and how much disk; nothing of it is begun."""
    from dataclasses import asdict

    from core.run.expected import expected

    found = expected(settings_of(study, set_)[0], device)
    if json_:
        write(json_, json.dumps({**asdict(found), "sentence": found.sentence}, indent=1))
    else:
        say(found.sentence)


def settings_of(study: str, changes: list[str] | None) -> tuple[Config, Path | None]:
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
