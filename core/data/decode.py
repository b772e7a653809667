"""A dataset read once, kept as plain arrays on disk, and mapped into memory."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, suppress
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.lib.format import dtype_to_descr, open_memmap, write_array_header_1_0

from core.data.dataset import Dataset, Reader
from core.errors import UserError
from core.store import cannot_read, in_words, what_helps
from core.worker import deaf, die_with_parent

FEW = 64
"""Below this many images, starting processes takes longer than reading."""
CHUNK_BYTES = 4_000_000
Pair = tuple[np.ndarray, np.ndarray]


def decoded(
    dataset: Dataset,
    ids: Sequence[int] | np.ndarray,
    folder: Path,
    workers: int,
    on_progress: Callable[[int, int], None],
) -> Pair:
    """Return many images of a dataset, from the files an earlier call left or by reading them now.

    Parameters
    ----------
    dataset : Dataset
        What to read from.
    ids : sequence of int
        Which images, in which order; at least one.
    folder : Path
        Where the arrays are kept; made if need be. File names follow `dataset.digest` and `ids`.
    workers : int
        Processes to read with; 1 or less reads in this one.
    on_progress : callable
        Called with the number of images read so far and the number of all.

    Returns
    -------
    images, part_maps : numpy.memmap
        (N, S, S, 3) and (N, S, S) uint8, read-only.

    Raises
    ------
    UserError
        An image that cannot be read, no room on the disk, or workers that were ended from outside.
    """
    ids = np.asarray(ids, dtype=np.int64)
    if not len(ids):
        raise ValueError("decoded() needs at least one id")
    key = hashlib.sha256(dataset.digest.encode() + ids.tobytes()).hexdigest()[:16]
    paths = [folder / f"images-{key}.npy", folder / f"parts-{key}.npy"]
    # One image tells the size of all, so that a damaged file is known by its shape.
    shapes = [(len(ids), *array.shape) for array in dataset.read(int(ids[0]))]
    kept = [_mapped(path, shape) for path, shape in zip(paths, shapes, strict=True)]
    if any(array is None for array in kept):
        try:
            _write(dataset.read, ids, paths, shapes, workers, on_progress)
        except OSError as error:
            need = f"{sum(int(np.prod(shape)) for shape in shapes) / 1e6:,.0f} MB"
            raise UserError(
                f"{need} of images cannot be kept in {folder}: {in_words(error)}{what_helps(error)}."
            ) from None
        kept = [_mapped(path, shape) for path, shape in zip(paths, shapes, strict=True)]
    else:
        on_progress(len(ids), len(ids))
    images, parts = kept
    if images is None or parts is None:
        raise UserError(f"The decoded images just written to {folder} are not whole; try again.")
    return images, parts


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Map a kept array read-only; None where there is none or it is damaged. Cannot unpickle."""
    try:
        array = open_memmap(path, mode="r")
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, OverflowError):
        return None
    except OSError as error:
        raise cannot_read(path, error) from None
    return array if array.shape == shape and array.dtype == np.uint8 else None


def _write(
    read: Reader,
    ids: np.ndarray,
    paths: list[Path],
    shapes: list[tuple[int, ...]],
    workers: int,
    on_progress: Callable[[int, int], None],
) -> None:
    """Write both arrays chunk by chunk beside their places, then rename them into place."""
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    unfinished = [path.with_suffix(f".{uuid4().hex}.tmp") for path in paths]
    step = max(CHUNK_BYTES // sum(int(np.prod(shape[1:])) for shape in shapes), 1)
    chunks = [ids[i : i + step] for i in range(0, len(ids), step)]
    done = 0
    try:
        with ExitStack() as stack:
            # Plain writes, not a writable map: on a full disk a map ends the process, a write raises.
            files = [stack.enter_context(path.open("wb")) for path in unfinished]
            for file, shape in zip(files, shapes, strict=True):
                header = {"descr": dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
                write_array_header_1_0(file, header)
            pairs = _in_processes(read, chunks, workers) if workers > 1 and len(ids) >= FEW else _here(read, chunks)
            for pair in stack.enter_context(closing(pairs)):
                for file, array in zip(files, pair, strict=True):
                    file.write(np.ascontiguousarray(array, dtype=np.uint8))
                done += len(pair[0])
                on_progress(done, len(ids))
            for file in files:  # whole also after a power cut: by its shape, a file of zeros would do
                file.flush()
                os.fsync(file.fileno())
        for source, target in zip(unfinished, paths, strict=True):
            os.replace(source, target)
    finally:
        for path in unfinished:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _here(read: Reader, chunks: list[np.ndarray]) -> Generator[Pair, None, None]:
    for chunk in chunks:
        yield _read_chunk(read, chunk)


def _in_processes(read: Reader, chunks: list[np.ndarray], workers: int) -> Generator[Pair, None, None]:
    """Yield the chunks in order, with only a few in memory at a time."""
    workers = min(workers, len(chunks))
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(read,))
    try:
        waiting: deque[Future[Pair]] = deque()
        for chunk in chunks:
            with deaf():
                waiting.append(pool.submit(_work, chunk))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise UserError(
            "A process that was reading images was ended from outside (out of memory?); use fewer workers, "
            "and in a script of your own start the work under `if __name__ == '__main__':`."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_reader: Reader


def _begin(read: Reader) -> None:
    global _reader
    _reader = read
    die_with_parent()


def _work(chunk: np.ndarray) -> Pair:
    return _read_chunk(_reader, chunk)


def _read_chunk(read: Reader, chunk: np.ndarray) -> Pair:
    pairs = [read(int(i)) for i in chunk]
    return np.stack([image for image, _ in pairs]), np.stack([parts for _, parts in pairs])
