"""A new study: a preset or settings of one's own, what it would take, and its start."""

import platform
import shutil

import streamlit as st
import tomli_w

from core.config import Config, presets, read_config, stated
from core.errors import UserError
from core.run import aside, launch
from core.store import digest_of
from core.study import cache_folder, study_names
from dashboard import study_form, waiting
from dashboard.names import plain
from dashboard.widgets import choose

KINDS = {"preset": "A ready-made one", "own": "Settings of your own"}
EXPECTED = "study expected"
"""Session state: the digest of settings, and what a study of them would take or why it cannot be."""


def offer() -> None:
    """Draw the choice of settings, what a study of them would take, and the button that begins it."""
    st.markdown(
        f"It runs on the computer that serves this page (**{plain(platform.node() or 'this one')}**): it takes that "
        "one's processor and disk, its data must lie there, and it goes on when you close this page."
    )
    kind = choose("begin", "What to begin", list(KINDS), "preset", KINDS.__getitem__)
    try:
        config = _preset() if kind == "preset" else study_form.settings()
    except UserError as error:
        st.error(plain(str(error)))
        return
    if config is None:
        return
    with st.expander("The same from a terminal"):
        st.markdown(f"Save this as `{config.name}.toml`, and run it: `python -m core run {config.name}.toml`")
        st.code(tomli_w.dumps(config.model_dump()), language="toml")
    _begin(config)


def _preset() -> Config | None:
    names = list(presets())
    usual = "quick" if "quick" in names else names[0]
    name = choose("preset", "Preset", names, usual)
    config = read_config(name)
    st.markdown(plain(config.description))
    st.caption(plain(f"Its file says: {stated(name)}"))
    if name in study_names():
        st.info(f"There is a study called {plain(name)} above: go on with it there, or delete it to begin anew.")
        return None
    return config


def _begin(config: Config) -> None:
    digest = digest_of(config.model_dump())
    known, found, problem = st.session_state.get(EXPECTED, ("", {}, ""))
    if known != digest:
        label = "See what it would take"
        if not st.button(label, key="expect", help="Opens the data, and times the networks; seconds."):
            return
        found, problem = {}, ""
        with st.spinner("Opening the data, and timing the networks on this machine"):
            try:
                found = aside.expected(config, waiting.place())
            except UserError as error:
                problem = str(error)
        st.session_state[EXPECTED] = (digest, found, problem)
        st.rerun()  # without the button
    if problem:
        st.error(plain(problem))
        return
    st.markdown(f"**{plain(found['sentence'])}**")
    free = _free()
    if found["bytes"] + found["more"] + found["decoded"] > free:
        st.warning(f"Only {free / 1e9:.1f} GB of the disk are free.")
    if st.button(f"Begin the study {plain(config.name)}", key="start"):
        try:
            launch.start(config)
        except UserError as error:
            st.error(plain(str(error)))
        else:
            st.session_state.pop(EXPECTED, None)
            st.session_state[study_form.BEGUN] = True
            st.rerun()


def _free() -> int:
    """Return the bytes that are free where studies are kept, or will be."""
    folder = cache_folder() / "studies"
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free
