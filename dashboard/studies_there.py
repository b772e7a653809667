"""The studies that are there: how complete each is, its run followed live, stopped, gone on with, deleted."""

import threading
from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.findings import nice_name
from core.overview import Overview, Word, overviews
from core.progress import size
from core.run import launch
from core.run.curves import begun
from core.run.status import read_status
from core.study import Study, cache_folder, study_names
from dashboard import charts, loaded
from dashboard.names import plain
from dashboard.navigation import link
from dashboard.state import GONE, kept

SECONDS = 2.0
"""Between two looks at a run."""
SEEN, STOPPING, UNSTOPPED = "studies seen", "studies stopping", "studies not stopped"
"""Session state: what the page drew last, which pids were asked to stop, and by name why a run could not be stopped."""
BADGES: dict[Word, str] = {
    "complete": ":green-badge[✓ complete]",
    "running": ":blue-badge[▶ running]",
    "stopped": ":gray-badge[‖ stopped]",
    "failed": ":red-badge[✗ failed]",
    "interrupted": ":orange-badge[! interrupted]",
    "not finished": ":gray-badge[… not finished]",
    "damaged": ":red-badge[✗ damaged]",
}
"""Of every state, never by colour alone."""
CUT_OFF = "Its last run was cut off (ended from outside, or by a power cut)."
NO_STUDY = "There is no study yet. Begin a small one below: the preset quick takes a few minutes."
NO_CURVES = "No network of this kind has been through all training images once yet."
CURVES = {
    "loss": "Loss",
    "validation_accuracy": "Accuracy on images held out",
    "train_accuracy": "Accuracy on the training images",
}


def headline(seen: list[Overview]) -> str:
    """Say in one sentence what is there: "3 studies are here: 2 complete, 1 running."."""
    if not seen:
        return NO_STUDY
    counts = {word: sum(each.word == word for each in seen) for word in BADGES}
    if len(seen) == 1:
        return f"One study is here; it is {seen[0].word}."
    each = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{len(seen)} studies are here: {each}."


def show() -> None:
    """Draw every study, and look again now and then while one is being run."""
    st.session_state.pop(SEEN, None)
    folder = cache_folder() / "studies"
    found = (read_status(folder / name) for name in study_names())
    running = any(status is not None and status.alive for status in found)
    st.fragment(_draw, run_every=SECONDS if running else None)()


def _draw() -> None:
    seen = list(overviews())
    states = [(each.name, each.word) for each in seen]
    if st.session_state.setdefault(SEEN, states) != states:
        st.rerun()  # the menu of studies on the left, too
    st.markdown(f"## {headline(seen)}")
    for each in seen:
        with st.container(border=True, key=f"study {each.name}"):
            _card(each)


def _card(seen: Overview) -> None:
    folder = cache_folder() / "studies" / seen.name
    st.markdown(f"**{plain(seen.name)}** {BADGES[seen.word]}")
    if seen.description:
        st.caption(plain(seen.description))
    if seen.cells:
        counts = f"{seen.trained} of {seen.cells} networks are trained, {seen.measured} are measured"
        st.markdown(f"{counts}; {size(seen.bytes)} on disk.")
    if seen.word == "interrupted":
        st.markdown(f"{CUT_OFF} Last it wrote: {plain(seen.said)}" if seen.said else CUT_OFF)
    elif seen.said:
        st.markdown(plain(seen.said))
    if seen.word == "running":
        _progress(seen)
        if problem := st.session_state.get(UNSTOPPED, {}).get(seen.name):
            st.error(plain(problem))
    with st.container(horizontal=True, vertical_alignment="center"):
        if (folder / "summary.parquet").exists() and seen.word != "damaged":
            link("home", "Open", study=seen.name)
        _buttons(seen)
    if seen.word in ("running", "stopped", "interrupted", "failed"):
        _curves(seen)


def _progress(seen: Overview) -> None:
    status = seen.status
    if status is None:
        return
    st.progress(status.share, seen.sentence[:1].upper() + seen.sentence[1:])
    now = "; ".join(f"{task}: {word}" if word else task for task, word in status.running.items())
    st.caption(plain(f"Process {status.pid}, since {status.since}. {now}"))


def _buttons(seen: Overview) -> None:
    if seen.word == "running":
        asked = seen.status is not None and seen.status.pid in st.session_state.setdefault(STOPPING, set())
        label = "Stopping …" if asked else "Stop"
        about = "What is finished is kept, and the study can be gone on with."
        st.button(label, key=f"stop {seen.name}", disabled=asked, help=about, on_click=_stop, args=(seen,))
        return
    if seen.word != "complete" and seen.cells:  # else not even its settings can be read
        measure = seen.trained == seen.cells and seen.measured < seen.cells
        label = "Mend" if seen.word == "damaged" else "Measure the rest" if measure else "Resume"
        if st.button(label, key=f"resume {seen.name}"):
            _do(lambda: launch.resume(seen.name))
    with st.popover("Delete …"):
        _delete(seen)


def _stop(seen: Overview) -> None:
    if seen.status is None:
        return
    stopping, problems = st.session_state[STOPPING], st.session_state.setdefault(UNSTOPPED, {})
    stopping.add(seen.status.pid)
    problems.pop(seen.name, None)
    # It may take as long as a network's step, and more where it has to be told twice.
    given = seen.name, seen.status.pid, stopping, problems
    threading.Thread(target=_wait_for_stop, args=given, daemon=True, name="stop-study").start()


def _wait_for_stop(name: str, pid: int, stopping: set[int], problems: dict[str, str]) -> None:
    """Stop a run, from a thread; what a person is to be told of it is left in their session's `problems`."""
    try:
        launch.stop(name)
    except UserError as error:
        problems[name] = str(error)
    except Exception:
        problems[name] = f"Stopping it failed; end process {pid} by hand."
        raise
    finally:
        stopping.discard(pid)


def _delete(seen: Overview) -> None:
    if launch.is_shipped(cache_folder() / "studies" / seen.name):
        st.markdown(
            "This study ships with the project, so it stays here. Should its folder be damaged or gone, git restores "
            "it: `git restore cache/studies/birds`."
        )
        return
    st.markdown("Its networks, maps and numbers are gone then, for good. To do it, type the study's name.")
    typed = st.text_input("Name of the study", key=f"typed {seen.name}")
    if typed and typed != seen.name:
        st.caption("That is not its name.")
    if st.button("Delete it", key=f"delete {seen.name}", disabled=typed != seen.name):
        _do(lambda: _remove(seen.name))


def _remove(name: str) -> None:
    launch.remove(name)
    st.session_state.setdefault(GONE, set()).add(name)
    if kept().get("study") == name:
        kept().pop("study")


def _do(act: Callable[[], None]) -> None:
    try:
        act()
    except UserError as error:
        st.error(plain(str(error)))
    else:
        st.rerun()


def _curves(seen: Overview) -> None:
    """Offer how the training goes so far: one network at a time, a line an α."""
    if not st.toggle("How the training goes", key=f"curves {seen.name}", value=seen.word == "running"):
        return
    try:
        study = loaded.study(seen.name)
    except UserError:
        return  # the card says what is wrong with it
    cells = begun(study)
    networks = list(dict.fromkeys(cell.architecture for cell in cells))
    if not networks:
        st.caption(NO_CURVES)
        return
    network = networks[-1]
    if len(networks) > 1:
        chosen = st.segmented_control(
            "Network", networks, default=network, key=f"network {seen.name}", format_func=nice_name, required=True
        )
        network = str(chosen or network)
    # Read are those that are shown, and again only when they have changed.
    found = [loaded.curve(study, cell) for cell in cells if cell.architecture == network]
    found = [table for table in found if not table.empty]
    if not found:
        st.caption(NO_CURVES)
        return
    _draw_curves(study, pd.concat(found, ignore_index=True), seen.name)


def _draw_curves(study: Study, table: pd.DataFrame, name: str) -> None:
    alphas = sorted(study.config.students.alphas, reverse=True)
    # Images held out are looked at only every few passes.
    accuracy = "validation_accuracy" if table["validation_accuracy"].notna().any() else "train_accuracy"
    for column, place in zip(("loss", accuracy), st.columns(2), strict=True):
        with place:
            spec = charts.curves(table[["epoch", "alpha", "λ", column]], column, CURVES[column], alphas)
            charts.show(spec, f"{column} {name}", f"{CURVES[column]}, pass by pass over the training images.")
