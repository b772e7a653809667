"""A visitor's own photo: opened, explained in the background, and forgotten. Nothing of it reaches the disk."""

import hashlib
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from starlette.formparsers import MultiPartParser

from core.ask import Ask
from core.cells import Cell
from core.data.photos import MAX_BYTES, open_photo
from core.turns import Place
from dashboard import trust_view
from dashboard.asked import Asked
from dashboard.live_job import KEY, Job, visitors

if TYPE_CHECKING:
    from core.live import CellResult, Scene

PHOTO = "live photo"
"""Session state."""
LONGEST = 2000
"""Pixels of a photo's longer side, as kept."""

# Streamlit's server would write what is uploaded to a temporary file, from 1 MB on.
MultiPartParser.spool_max_size = 2 * MAX_BYTES
_decoding = threading.Lock()
"""One at a time: decoded, a photo can take 200 MB."""


def opened(data: bytes) -> np.ndarray:
    """Decode a visitor's image once, no larger than is shown; kept in the session until `forget`.

    Raises
    ------
    UserError
        As `open_photo`.
    """
    key = hashlib.sha256(data).hexdigest()
    if st.session_state.get(PHOTO, ("",))[0] != key:
        with _decoding:
            st.session_state[PHOTO] = (key, open_photo(data, name="This file", longest=LONGEST))
    photo: np.ndarray = st.session_state[PHOTO][1]
    return photo


def forget() -> None:
    """Drop the visitor's image, the job and all that it found."""
    trust_view.forget()
    st.session_state.pop(PHOTO, None)
    job: Job | None = st.session_state.pop(KEY, None)
    if job is not None:
        job.cancel()


def job_for(asked: Asked, data: bytes, scene: "Scene", ask: Ask) -> Job:
    """Return the visitor's job for an image, begun if it is a new one; the one before it is dropped.

    What is there of the same image stays when a further method is chosen. How the image is cut into parts makes no
    difference to its maps, so that another cut needs no other job.
    """
    from core import live

    about = f"{hashlib.sha256(data).hexdigest()} {asked.version} {ask}"
    there = _finished(about)
    methods = list(dict.fromkeys([*asked.methods, *(method for method, _ in there)]))
    missing = [method for method in methods if any((method, cell) not in there for cell in asked.everyone)]

    def explain(job: Job, place: Place) -> Generator["CellResult"]:
        if asked.fetch is not None:
            try:
                asked.fetch(job.fetched, place.check)
            finally:
                job.fetching = None
        return live.explain_image(asked.networks, scene, asked.everyone, missing, ask, done=job.finished, place=place)

    return visitors(f"{about} {sorted(methods)}", len(asked.everyone) * len(methods), ask, explain, there)


def _finished(about: str) -> dict[tuple[str, Cell], "CellResult"]:
    """Return what the visitor's job has finished, if it is about the same."""
    job: Job | None = st.session_state.get(KEY)
    if job is None or not job.key.startswith(about):
        return {}
    return {key: result for key, result in list(job.found.items()) if result.final}
