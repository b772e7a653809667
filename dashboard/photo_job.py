"""A visitor's own photo: opened, explained in the background, and forgotten. Nothing of it reaches the disk."""

import hashlib
import threading
from collections.abc import Generator

import numpy as np
import streamlit as st

from core import live
from core.ask import Ask
from core.cells import Cell
from core.data.apart import open_apart
from core.live import CellResult, Scene
from core.live.apart import apart
from core.turns import Place
from dashboard.asked import Asked
from dashboard.live_job import KEY, PHOTO, Job, visitors

LONGEST = 2000
"""Pixels of a photo's longer side, as kept."""

_decoding = threading.Lock()
"""One at a time: being decoded, a photo can take 300 MB."""


def opened(data: bytes, file: str) -> np.ndarray:
    """Decode a visitor's image once, no larger than is shown; kept in the session until `live_job.forget`.

    Parameters
    ----------
    data : bytes
    file : str
        What Streamlit knows the file by, for it to be forgotten as well.

    Raises
    ------
    UserError
        As `open_apart`.
    """
    key = hashlib.sha256(data).hexdigest()
    before, photo, _ = st.session_state.get(PHOTO, ("", None, ""))
    if before != key:
        with _decoding:
            photo = open_apart(data, "This file", LONGEST)
    st.session_state[PHOTO] = key, photo, file
    return photo


def job_for(asked: Asked, data: bytes, scene: Scene, ask: Ask) -> Job:
    """Return the visitor's job for an image, begun if it is a new one; the one before it is dropped.

    What is there of the same image stays when a further method is chosen. How the image is cut into parts makes no
    difference to its maps, so that another cut needs no other job.
    """
    about = f"{hashlib.sha256(data).hexdigest()} {asked.version} {ask}"
    there = _finished(about)
    methods = list(dict.fromkeys([*asked.methods, *(method for method, _ in there)]))
    missing = [method for method in methods if any((method, cell) not in there for cell in asked.everyone)]

    def explain(job: Job, place: Place) -> Generator[CellResult]:
        if asked.fetch is not None:
            try:
                asked.fetch(job.fetched, place.check)
            finally:
                job.fetching = None
        return live.explain_image(
            asked.networks, scene, asked.everyone, missing, ask, done=job.finished, place=place, by=apart()
        )

    return visitors(f"{about} {sorted(methods)}", len(asked.everyone) * len(methods), ask, explain, there)


def _finished(about: str) -> dict[tuple[str, Cell], CellResult]:
    """Return what the visitor's job has finished, if it is about the same."""
    job: Job | None = st.session_state.get(KEY)
    if job is None or not job.key.startswith(about):
        return {}
    return {key: result for key, result in list(job.found.items()) if result.final}
