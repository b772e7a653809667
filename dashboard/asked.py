"""Who is asked about a visitor's photo: the networks of the study, or those of ImageNet."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from core.cells import Cell
from core.live import Networks
from dashboard import gallery, loaded, names, state
from dashboard.names import plain
from dashboard.state import Choices
from dashboard.widgets import choose

STUDYS, IMAGENETS = "study", "imagenet"
WHO = {STUDYS: "This study's networks", IMAGENETS: "ImageNet networks"}
WHO_HELP = (
    "The study's networks know only what the study is about, and say it of any photo. The ImageNet networks know 1,000 "
    "everyday things, from animals and food to vehicles and furniture, so they have an answer to most photos."
)
ABOUT_IMAGENET = (
    "They know 1,000 everyday things, as photographed. None of them learned from another: ResNet101, the largest, "
    "stands in for the teacher. With the first photo 400 MB of weights are downloaded, unless they are on this "
    "machine. Networks and α on the left are the study's and change nothing here."
)
UNSURE = (
    "ResNet101 and ResNet50 were trained not to be too sure of anything, so their probabilities are low even where "
    "they are right."
)
UNCHECKED = "Trust checks are not offered for the ImageNet networks: in networks this large they take minutes a map."


@dataclass(frozen=True)
class Asked:
    """The networks that are asked about a photo, and what is shown of them."""

    networks: Networks
    version: str
    """Changes whenever the networks do."""
    cells: list[Cell]
    """Those shown, the teacher first."""
    everyone: list[Cell]
    """Those explained, so that another choice of what is shown is there at once."""
    method: str
    methods: list[str]
    """Those explained by, the one shown among them."""
    classes: tuple[str, ...]
    note: str = ""
    """What a reader of the answers should know."""
    unchecked: str = ""
    """Why nobody is offered to check how far their maps may be trusted, as a sentence; "" where it is offered."""
    fetch: Callable[[Callable[[str, int, int], None], Callable[[], None]], None] | None = None
    """Brings the networks to this machine, where they may be missing (`core.imagenet.ImageNet.fetch`)."""

    @property
    def teacher(self) -> Cell:
        """The network that the others are compared with."""
        return self.networks.teacher

    def kind(self, cell: Cell) -> str:
        """Return how a network was trained."""
        return "from labels alone" if self.fetch and cell != self.teacher else names.kind(cell, self.teacher)


def who(choices: Choices) -> str:
    """Draw the choice of whom to ask, and what they know; return a key of `WHO`."""
    chosen = choose("ask", "Ask", list(WHO), STUDYS, WHO.__getitem__, WHO_HELP)
    if chosen == IMAGENETS:
        st.caption(ABOUT_IMAGENET)
    else:
        st.warning(
            f"**These networks know {plain(choices.study.knows)}.** Whatever they say about your photo is an answer in "
            "those terms.",
            icon="⚠️",
        )
    return chosen


def asked(who: str, choices: Choices) -> Asked:
    """Return the networks of a key of `WHO`, as far as the sidebar chooses among them."""
    return _imagenet(choices) if who == IMAGENETS else _study(choices)


def _study(choices: Choices) -> Asked:
    study = choices.study
    whole = replace(choices, architectures=state.architectures(study), alphas=choices.config.students.alphas)
    return Asked(
        networks=study,
        version=f"{study.folder} {loaded.stamp(study.folder)}",
        cells=state.cells(choices),
        everyone=state.cells(whole),
        method=choices.method,
        methods=list(dict.fromkeys([*choices.config.explain.methods, choices.method])),
        classes=gallery.classes(study),
    )


def _imagenet(choices: Choices) -> Asked:
    from core.imagenet import ImageNet  # torch: seconds, the first time

    networks = ImageNet()
    return Asked(
        networks=networks,
        version=networks.name,
        cells=list(networks.cells),
        everyone=list(networks.cells),
        method=choices.method,
        methods=list(dict.fromkeys(["saliency", choices.method])),
        classes=networks.header(networks.teacher).classes,
        note=UNSURE,
        unchecked=UNCHECKED,
        fetch=networks.fetch,
    )
