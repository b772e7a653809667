"""What lies in a study's folder is its own: files and folders of plain names, and no way out."""

import os
import re
from pathlib import Path

from core.errors import UserError

CELL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A name that a network may be given: it becomes the name of files and folders."""
_FILE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/){0,2}[A-Za-z0-9_][A-Za-z0-9_.-]*")


def is_plain(name: object) -> bool:
    """Return whether it names a file within a study as a run names them: never one outside, on any system."""
    return isinstance(name, str) and _FILE.fullmatch(name) is not None


def check_no_way_out(folder: Path) -> None:
    """Raise UserError for a link in a study's folder, at any depth, or for anything else that is no file or folder.

    A study may come from elsewhere. To read through a link would show files that are not the study's, to write through
    one would harm them, and a pipe keeps whoever reads it waiting for ever. The folder itself may be reached by a link.
    """
    todo = [folder]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(Path(entry.path))
                    elif entry.is_symlink():
                        raise UserError(
                            f"{entry.path} is a link, which leads out of its study; put there what it leads to, or "
                            "remove it."
                        )
                    elif not entry.is_file(follow_symlinks=False):
                        raise UserError(f"{entry.path} is neither a file nor a folder; remove it.")
        except (FileNotFoundError, NotADirectoryError, PermissionError):  # gone meanwhile; whoever reads it says so
            continue
