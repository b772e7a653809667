"""One cell of a study explained, image by image: maps come and go, sums over parts stay."""

import math
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from core.attribution import Explanation, Prepared, Settings, baseline, explain
from core.columns import IMPORTANCE
from core.config import Config
from core.controls import shuffled_similarity
from core.errors import Unreadable, UserError
from core.header import Header
from core.inputs import as_input
from core.measures import map_similarity
from core.methods import METHODS, relevance
from core.parts import importance
from core.store import (
    join_arrays,
    join_tables,
    map_arrays,
    read_json,
    sha256_file,
    write_arrays,
    write_json,
    write_table,
)

RELEVANCE = "relevance "
"""Before a method's name: the full maps' relevance among a shard's arrays."""
RANGES, BATCHES = 32, 8
"""Ranges that a cell's images are cut into at most, and batches of a range at least."""
SECONDS = 20.0
"""After that long, what was explained is put on disk."""


def batch_size(side: int) -> int:
    """Return how many images are explained together: 64 of 64 pixels a side, 8 of 224.

    It depends on nothing else, so that the same images go together whenever a run is taken up again, and it gives the
    same bits.
    """
    return min(64, max(8, 2**18 // side**2))


def ranges(images: int, side: int) -> list[tuple[int, int]]:
    """Cut images into ranges that can be explained apart: first and last but one of each.

    They depend on nothing else and are of whole batches, so that wherever each is explained, the bits are the same.
    """
    batch = batch_size(side)
    step = batch * max(BATCHES, math.ceil(images / batch / RANGES))
    return [(start, min(start + step, images)) for start in range(0, images, step)]


def shards_of(name: str, key: str, start: int, stop: int) -> str:
    """Return where a range of a cell's images has its shards, under the study's folder.

    `key` is that of what the cell's maps are made from.
    """
    return f"state/explain/{name}/{key}/{start:09d}-{stop:09d}"


def settings_of(config: Config) -> Settings:
    """Return how a study's maps are made: refined until the parts' numbers are good, as those are what it reports."""
    chosen = config.explain
    return Settings(chosen.score, chosen.tolerance, "regions", chosen.budget)


class Rows:
    """Some rows of an array on disk, in an order of their own, read as they are asked for."""

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        self.array, self.rows = array, rows

    def __getitem__(self, which: slice) -> np.ndarray:
        """Return the rows of a slice."""
        found: np.ndarray = self.array[self.rows[which]]
        return found


class Shards:
    """What there is of a range of a cell's images, and where it goes on.

    `<images done>.parquet` and `.safetensors`, and last a `.json` with the checksums of both: what is not as it was
    written, and all that came after it, is explained again.

    Parameters
    ----------
    folder : Path
        Of this range, which its name tells (`shards_of`); what beside it is of another key is stale and removed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start, self.stop = map(int, folder.name.split("-"))
        for other in folder.parent.parent.glob("*"):
            if other != folder.parent:
                shutil.rmtree(other, ignore_errors=True)
        self.finished = list(takewhile(_is_whole, sorted(folder.glob("*.parquet"))))
        """The tables, in order."""
        for path in {*folder.glob("*")} - {file for table in self.finished for file in _files(table)}:
            path.unlink()

    @property
    def done(self) -> int:
        """The image up to which all of the range are explained."""
        return int(self.finished[-1].stem) if self.finished else self.start

    def add(self, done: int, tables: list[pd.DataFrame], maps: dict[str, np.ndarray]) -> None:
        """Keep what was found on the images up to the `done`-th."""
        table, arrays, note = _files(self.folder / f"{done:09d}.parquet")
        write_arrays(arrays, maps)
        write_table(table, pd.concat(tables, ignore_index=True))
        write_json(note, [sha256_file(table), sha256_file(arrays)])
        self.finished.append(table)


def merge(
    ranges: Sequence[Shards], table: Path, maps: dict[str, Path], order: np.ndarray, full: Path | None
) -> list[Path]:
    """Write a cell's files from the shards of all its ranges, in order, and remove them.

    Parameters
    ----------
    ranges : sequence of Shards
    table, maps :
        Where sums over parts go, and by method the gallery's maps.
    order : ndarray
        Ids of the gallery's images.
    full : Path, optional
        Where the teacher's relevance goes.

    Raises
    ------
    UserError
        A shard is not as it was written.
    """
    if lost := [each.folder for each in ranges if each.done != each.stop]:
        raise UserError(f"{lost[0]} is damaged; the same command explains these images again.")
    finished = [path for each in ranges for path in each.finished]
    join_tables(table, finished, IMPORTANCE)
    long = {method: RELEVANCE + method for method in maps} if full is not None else {}
    # Mapped: at full size they take more than memory may have.
    shards = [map_arrays(path.with_suffix(".safetensors"), "ids", *maps, *long.values()) for path in finished]
    ids = np.concatenate([shard["ids"] for shard in shards])
    rows = {int(image): row for row, image in enumerate(ids)}
    for method, path in maps.items():
        together = np.concatenate([shard[method] for shard in shards])
        write_arrays(path, {"ids": order, "maps": together[[rows[int(image)] for image in order]]})
    if full is not None:
        join_arrays(full, {method: [shard[name] for shard in shards] for method, name in long.items()})
    home = ranges[0].folder.parent.parent
    shutil.rmtree(home, ignore_errors=True)
    with suppress(OSError):  # another cell's are still there
        home.parent.rmdir()
        home.parent.parent.rmdir()
    return [table, *maps.values(), *([full] if full is not None else [])]


def _files(table: Path) -> tuple[Path, Path, Path]:
    return table, table.with_suffix(".safetensors"), table.with_suffix(".json")


def _is_whole(table: Path) -> bool:
    *files, note = _files(table)
    try:
        return table.stem.isdecimal() and read_json(note) == [sha256_file(file) for file in files]
    except (UserError, FileNotFoundError) as error:
        if isinstance(error, Unreadable):  # nothing is known against it, nor against those after it
            raise
        return False


def explained(
    config: Config,
    network: Prepared,
    header: Header,
    parts: tuple[str, ...],
    ids: np.ndarray,
    images: Rows,
    part_maps: Rows,
    targets: np.ndarray,
    kept: np.ndarray,
    shards: Shards,
    teacher: dict[str, np.ndarray] | None,
    others: np.ndarray,
) -> Iterator[int]:
    """Explain images in order, from where the shards end up to where their range does, and yield where it is.

    Parameters
    ----------
    ids, targets : ndarray
        (N,)
    images, part_maps : Rows
        (N, S, S, 3) uint8 and (N, S, S), read batch by batch.
    kept : ndarray
        Ids of the images whose maps stay.
    shards : Shards
    teacher : dict of ndarray, optional
        (N, S, S) relevance of the teacher's maps by method, to compare with; None where this is the teacher, whose
        relevance the shards then keep, at full size.
    others : ndarray
        (R, N) images that the shuffled control pairs each with, from `core.controls.partners`.
    """
    settings, methods = settings_of(config), config.explain.methods
    tables: list[pd.DataFrame] = []
    small: list[dict[str, np.ndarray]] = []
    since = time.monotonic()
    together = batch_size(config.data.image_size)
    for start in range(shards.done, shards.stop, together):
        batch = slice(start, min(start + together, shards.stop))
        x = as_input(images[batch], header.mean, header.std, network.device)
        begin = baseline(config.explain.baseline, x, header.mean, header.std)
        found = explain(network, x, targets[batch], methods, settings, baseline=begin, regions=part_maps[batch])
        stay = np.isin(ids[batch], kept)
        small.append({"ids": ids[batch][stay]})
        for method, result in found.items():
            maps = relevance(result.maps, method)
            if teacher is None:
                small[-1][RELEVANCE + method] = as_shape(maps)
            beside = as_shape(maps) if teacher is None else teacher[method][batch]
            near = map_similarity(beside, maps)
            # Of the teacher beside itself nobody asks what chance would give.
            chance = near * np.nan if teacher is None else shuffled_similarity(teacher[method], maps, others[:, batch])
            tables.append(_table(ids[batch], parts, part_maps[batch], method, result, maps, near, chance))
            small[-1][method] = shrink(result.maps[stay], config.keep.map_size).astype(np.float16)
        if time.monotonic() - since > SECONDS or batch.stop == shards.stop:
            shards.add(batch.stop, tables, {key: np.concatenate([each[key] for each in small]) for key in small[0]})
            tables, small, since = [], [], time.monotonic()
        yield batch.stop


def as_shape(maps: np.ndarray) -> np.ndarray:
    """Return relevance (N, H, W) as float16 shares of each map's largest value: all that a cosine needs of it."""
    largest = maps.max((1, 2), keepdims=True)
    return np.asarray(maps / np.where(largest > 0, largest, 1)).astype(np.float16)


def _table(
    ids: np.ndarray,
    parts: tuple[str, ...],
    part_maps: np.ndarray,
    method: str,
    r: Explanation,
    maps: np.ndarray,
    similarity: np.ndarray,
    chance: np.ndarray,
) -> pd.DataFrame:
    mass, area = importance(maps, part_maps, len(parts))
    total = maps.sum((1, 2), dtype=np.float64).astype(np.float32)
    of_image = {
        "total": total,
        "gap": r.gap,
        "d": r.difference,
        "part_d": r.region_difference,
        "evaluations": r.evaluations,
        "converged": r.converged,
        "similarity": similarity.astype(np.float32),
        "similarity_shuffled": chance.astype(np.float32),
    }
    table = pd.DataFrame(
        {
            "image": np.repeat(ids, len(parts)),
            "method": pd.Categorical([method] * (len(ids) * len(parts)), list(METHODS)),
            "part": pd.Categorical(list(parts) * len(ids), list(parts)),
            "mass": mass.ravel().astype(np.float32),
            "density": (mass / area).ravel().astype(np.float32),
            "area": area.ravel().astype(np.float32),
        }
    )
    return table.assign(**{name: np.repeat(values, len(parts)) for name, values in of_image.items()})


def shrink(maps: np.ndarray, size: int) -> np.ndarray:
    """Average maps (N, H, W) down to (N, size, size); smaller ones stay as they are."""
    if maps.shape[-1] <= size:
        return maps
    if not len(maps):
        return maps[:, :size, :size]
    return torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(maps)[:, None], size)[:, 0].numpy()
