"""A study on disk, read: its settings, cells, tables, maps and networks."""

import os
import shlex
import stat
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from core.cells import Cell, grid, teacher_cell, untrained_cells
from core.columns import COSTS, HISTORY, IMAGES, OF_CELLS, PARTS, SUMMARY
from core.config import Config, parse_config
from core.contained import CELL, check_no_way_out
from core.data.photos import square
from core.errors import Unreadable, UserError, unknown
from core.header import Header, read_header
from core.manifest import Manifest, checksum, read_manifest, written_as
from core.store import cannot_read, read_rows, read_table, sha256_file
from core.toml import read_toml

if TYPE_CHECKING:
    from torch import nn

    from core.data.dataset import Dataset
T = TypeVar("T")


def cache_folder() -> Path:
    """Return where computed things are kept: `cache/` of the project, or $WHERE_MODELS_LOOK_CACHE."""
    return Path(os.environ.get("WHERE_MODELS_LOOK_CACHE") or Path(__file__).resolve().parents[1] / "cache")


def study_names() -> list[str]:
    """Return the names of the studies in the cache, begun ones included."""
    folder = cache_folder() / "studies"
    # Hidden is what is being deleted.
    return sorted(path.parent.name for path in folder.glob("*/study.toml") if not path.parent.name.startswith("."))


def open_study(study: str | Path) -> "Study":
    """Open a study by its name in the cache, or by its folder.

    Raises
    ------
    UserError
        There is none of that name, or its study.toml is damaged.
    """
    folder = Path(study)
    if not (folder / "study.toml").exists():
        folder = cache_folder() / "studies" / str(study)
        if os.sep in str(study) or not (folder / "study.toml").exists():
            raise unknown("study", str(study), study_names())
    return Study(folder)


class Study:
    """A study's folder, read lazily; nothing here computes or writes.

    Every reader raises `UserError`, naming the file, where one is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        check_no_way_out(self.folder)
        path = self.folder / "study.toml"
        try:
            tree = read_toml(path)
        except FileNotFoundError:
            raise UserError(f"There is no study in {self.folder}.") from None
        except OSError as error:
            raise cannot_read(path, error) from None
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{path} is damaged ({error}). Put it back; or remove it, and run the preset or the settings that it "
                f"was made from into this folder (--out {shlex.quote(str(self.folder))}), which keeps what is whole."
            ) from None
        self.provenance: dict[str, Any] = _made(tree.pop("provenance", {}), path)
        self.config: Config = parse_config(tree, path)

    @property
    def name(self) -> str:
        """The study's name, as its settings have it."""
        return self.config.name

    @property
    def called(self) -> str:
        """What lists and addresses call it: its folder's name in the cache, which for a copy is not its settings'."""
        return self.folder.name if self._in_cache else self.name

    @property
    def _in_cache(self) -> bool:
        return self.folder.parent == cache_folder() / "studies"

    @property
    def knows(self) -> str:
        """What the networks were trained on; completes "These networks know …"."""
        return str(self.provenance.get("knows", f"the images of the study '{self.name}'"))

    @property
    def teacher(self) -> Cell:
        """The cell that all others are compared with."""
        return teacher_cell(self.config)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every cell, the teacher first, imported networks last."""
        cells = grid(self.config)
        for path in self.brought_in():
            header = self.header(path.stem)
            if header.alpha is None:  # else a cell of an earlier grid
                cells.append(Cell(header.architecture, None, None, path.stem))
        return cells

    def brought_in(self) -> list[Path]:
        """Return the files in models/ that are not of the grid: networks that were imported, or of an earlier grid."""
        known = {cell.name for cell in grid(self.config)}
        try:
            there = sorted((self.folder / "models").glob("*.safetensors"))
        except FileNotFoundError:  # deleted between two looks of this one
            there = []
        return [path for path in there if path.stem not in known and CELL.fullmatch(path.stem)]

    @property
    def networks(self) -> list[Cell]:
        """Those of `cells` whose networks a complete study keeps."""
        first = (None, self.config.students.seeds[0])
        return [cell for cell in self.cells if self.config.keep.seeds == "all" or cell.seed in first]

    @property
    def measured(self) -> list[Cell]:
        """Every network that is measured: `cells`, then the untrained controls."""
        return [*self.cells, *untrained_cells(self.config)]

    def cell(self, name: str) -> Cell:
        """Return a cell by its name; UserError with the near matches otherwise."""
        for cell in self.cells:
            if cell.name == name:
                return cell
        alike = [cell.name for cell in self.cells if cell.architecture == name]  # an architecture alone is no cell
        raise unknown("cell", name, alike or (cell.name for cell in self.cells))

    def path(self, kind: str, cell: Cell | str, method: str = "") -> Path:
        """Return a cell's file of one kind: models, history, logits, maps, relevance, importance, parts or measures."""
        suffix = ".safetensors" if kind in ("models", "logits", "maps", "relevance") else ".parquet"
        return self.folder / kind / method / f"{cell if isinstance(cell, str) else cell.name}{suffix}"

    @property
    def manifest(self) -> dict[str, dict[str, str]]:
        """Per file kept, relative path to its `sha256` and the `key` of what it was made from."""
        return self._manifest().files

    @property
    def left_out(self) -> dict[str, str]:
        """Per file that was made and then removed, as `[keep]` has it: relative path to the key of what made it."""
        return self._manifest().left_out

    def _manifest(self) -> Manifest:
        try:
            return read_manifest(self.folder)
        except Unreadable:
            raise
        except UserError as error:
            raise UserError(f"{error} {self.command} makes it anew and keeps the networks.") from None

    @property
    def command(self) -> str:
        """What a person types to go on with the study: a name of shell's own words is quoted, and runs nothing."""
        if self._in_cache:
            return f"python -m core run {shlex.quote(self.called)}"
        settings, folder = (shlex.quote(str(path)) for path in (self.folder / "study.toml", self.folder))
        return f"python -m core run {settings} --out {folder}"

    def complete(self) -> bool:
        """Whether every stage has been through."""
        return (self.folder / "summary.parquet").exists()

    def unfinished(self) -> str:
        """Say how far a study is that is not complete, and how to go on; "" where it is complete."""
        if self.complete():
            return ""
        cells = grid(self.config)
        trained, measured = (sum(self.path(kind, c).exists() for c in cells) for kind in ("models", "measures"))
        return (
            f"The study '{self.called}' is not finished: {trained} of {len(cells)} networks are trained, {measured} of "
            f"{len(cells)} measured. If no run is going, go on with: {self.command}"
        )

    def whole(self) -> bool:
        """Whether every stage has been through and no file of the manifest is missing or empty."""
        paths = [self.folder / name for name in self.manifest]
        return self.complete() and bool(paths) and all(_size(path) for path in paths)

    def damaged(self) -> list[str]:
        """Return the files of the manifest that are missing or no longer have their checksum."""
        return [name for name, entry in self.manifest.items() if not _is(self.folder / name, entry["sha256"])]

    @cached_property
    def dataset(self) -> "Dataset":
        """The images themselves; UserError where their folder is not there."""
        from core.data import open_dataset

        return open_dataset(self.config.data)

    @cached_property
    def shown(self) -> "Dataset":
        """The images, to be shown to people: those that the study was made from, and no others.

        A study's settings may come from elsewhere, and name any folder of this machine; and into a folder images may
        have come since, so that they are no longer the ones under whose numbers the maps lie.

        Raises
        ------
        UserError
            They are not on this machine, or other ones lie there.
        """
        dataset, listed = self.dataset, self.images()
        if not all(np.array_equal(dataset.table[name], listed[name]) for name in ("label", "split", "source")):
            raise UserError(
                f"What lies in {self.config.data.root} are not the images that '{self.called}' was made from."
            )
        return dataset

    def images(self) -> pd.DataFrame:
        """Return one row an image: id, label, split, source, visible_parts, explained, kept."""
        return self._read(read_table, self.folder / "images.parquet", IMAGES)

    def labels(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the labels of some images."""
        return self.images().set_index("id")["label"].loc[list(ids)].to_numpy()

    def history(self, cell: Cell | str) -> pd.DataFrame:
        """Return one row an epoch: epoch, learning_rate, loss and its parts, accuracies, seconds."""
        return self._read(read_table, self.path("history", cell), HISTORY)

    def logits(self, cell: Cell | str) -> tuple[np.ndarray, np.ndarray]:
        """Return test image ids (N,) and their logits (N, classes) float32."""
        arrays = self._read(read_rows, self.path("logits", cell), "logits", 2)
        return arrays["ids"], arrays["logits"].astype(np.float32)

    def maps(self, cell: Cell | str, method: str, ids: Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return ids (M,) and the gallery's maps (M, h, w) float32, signed; those of `ids` where given, in its order.

        Raises
        ------
        UserError
            Also where no map of an image was kept.
        """
        arrays = self._read(read_rows, self.path("maps", cell, method), "maps", 3)
        found, maps = arrays["ids"], arrays["maps"]
        if ids is None:
            return found, maps.astype(np.float32)
        rows = {int(image): row for row, image in enumerate(found)}
        missing = [i for i in ids if int(i) not in rows]
        if missing:
            raise UserError(f"No map of image {missing[0]} was kept in the study '{self.called}'.")
        return np.asarray(ids), maps[[rows[int(i)] for i in ids]].astype(np.float32)

    def importance(self, cell: Cell | str | None = None) -> pd.DataFrame:
        """Return image, method, part, mass, density, area; of each map total, gap, d, part_d, evaluations, converged.

        Long: a row a part. `d` and `part_d` are the error bars of the map and of its parts' densities (MEASURES.md).
        """
        return self._tables("importance", cell)

    def measures(self, cell: Cell | str | None = None) -> pd.DataFrame:
        """Return image, method, measure, importance, outside, value (long); with a column `cell` for all of them."""
        return self._tables("measures", cell)

    def parts(self, cell: Cell | str) -> pd.DataFrame:
        """Return method, part, mean, error, n: the share of a cell's looking that each part receives."""
        return self._read(read_table, self.path("parts", cell), PARTS)

    def _read(self, read: Callable[..., T], path: Path, *more: Any) -> T:
        """Read a file that is as it was written; where it cannot be read, and a run has made it, say so too."""
        wanted = written_as(self.folder, path.relative_to(self.folder).as_posix())
        try:
            if wanted and checksum(path) not in ("", wanted):  # that of one that cannot be opened is not known
                raise UserError(f"{path} is damaged (it is not what was written there).")
            return read(path, *more)
        except Unreadable:
            raise
        except UserError as error:
            mends = f" {self.command} makes it anew." if wanted else ""
            raise UserError(f"{error}{mends}") from None

    def _tables(self, kind: str, cell: Cell | str | None) -> pd.DataFrame:
        if cell is not None:
            return self._read(read_table, self.path(kind, cell), OF_CELLS[kind])
        tables = [self._tables(kind, each).assign(cell=each.name) for each in self.cells]
        return pd.concat(tables, ignore_index=True)

    def costs(self) -> pd.DataFrame:
        """Return what each architecture costs, and each imported network (the columns of `core.costs.COLUMNS`)."""
        return self._read(read_table, self.folder / "costs.parquet", COSTS)

    def summary(self) -> pd.DataFrame:
        """Return one row a number shown (the columns of `core.summarise.COLUMNS`); UserError before there is."""
        if unfinished := self.unfinished():
            raise UserError(unfinished)
        table = self._read(read_table, self.folder / "summary.parquet", SUMMARY)
        # Of a study from before there was λ.
        return table if "explanation_weight" in table else table.assign(explanation_weight=0.0)

    def view(self, photo: np.ndarray, side: int | None = None) -> np.ndarray:
        """Return what the networks see of a photo (H, W, 3), at their size or at `side` pixels: its middle square."""
        return square(photo, side or self.config.data.image_size)

    def header(self, cell: Cell | str) -> Header:
        """Return what a cell's network says of itself."""
        return self._read(read_header, self.path("models", cell))

    def model(self, cell: Cell | str) -> "nn.Module":
        """Return a cell's network: fp32, evaluation mode, parameters frozen."""
        from core.models import load_model

        return self._read(load_model, self.path("models", cell))[0]

    def address(self, cell: Cell) -> dict[str, Any]:
        """Return where another process finds a cell's network (`core.live.Networks`)."""
        return {"study": str(self.folder.absolute()), "cell": cell.name}


def _made(provenance: Any, path: Path) -> dict[str, Any]:
    """Return how a study was made; UserError where that is not what a run writes."""
    kinds = {"knows": str, "versions": dict}
    if not isinstance(provenance, dict) or any(
        not isinstance(provenance[name], kind) for name, kind in kinds.items() if name in provenance
    ):
        raise UserError(f"{path}: [provenance] is not as a run writes it; put it back, or remove that table.")
    return provenance


def _is(path: Path, checksum: str) -> bool:
    """Return whether a file is there and has a checksum."""
    try:
        return path.is_file() and sha256_file(path) == checksum
    except FileNotFoundError:  # deleted between the two looks
        return False


def _size(path: Path) -> int:
    """Return the bytes of a file, 0 where there is none (any more)."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
