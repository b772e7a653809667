"""What of a study no run makes anew: its settings, and the networks that somebody brought in."""

from core.errors import UserError
from core.manifest import read_manifest
from core.models import load_model
from core.store import sha256_file
from core.study import Study


def changed(study: Study) -> list[str]:
    """Return the files of these that are no longer as they were; a network has a digest of its own.

    Raises
    ------
    UserError
        The manifest is damaged.
    """
    toml = study.folder / "study.toml"
    wrong = [] if read_manifest(study.folder).settings in ("", sha256_file(toml)) else [toml.name]
    for path in study.brought_in():
        try:
            load_model(path)
        except UserError:
            wrong.append(path.relative_to(study.folder).as_posix())
    return wrong
