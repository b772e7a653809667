"""The species: silhouettes, plumages, and the few marks in which look-alikes differ. Fixed by the class index alone."""

import colorsys
from dataclasses import dataclass, field

MEMBERS = 3
"""Species a family."""

Colour = tuple[float, float, float]
"""Red, green, blue in 0…255."""


@dataclass(frozen=True)
class Build:
    """A family's silhouette, in body lengths (angles in degrees)."""

    depth: float = 0.30
    pitch: float = 18
    head: float = 0.27
    neck: float = 0.0
    beak: tuple[float, float, float] = (0.27, 0.17, 0.0)
    """Length, depth, hook (down is positive)."""
    crest: float = 0.0
    leg: float = 0.30
    tail: tuple[float, float, float] = (0.62, 0.22, 0.1)
    """Length, width at the end, fork (negative is rounded, or a wedge)."""
    wing: tuple[float, float] = (0.92, 0.38)
    """Length, width."""
    wing_mark: str = "bar"
    breast_mark: str = "spots"
    size: float = 1.0


@dataclass(frozen=True)
class Species:
    """One class.

    Attributes
    ----------
    name : str
        Its English name, invented.
    family : int
        Species of one family share their silhouette and most colours.
    build : Build
        The silhouette.
    colours : dict of str to Colour
        Colour of every ink.
    common : dict of str to Colour
        The family's mean colours: what individuals of a difficult set fade towards.
    """

    name: str
    family: int
    build: Build
    colours: dict[str, Colour] = field(repr=False)
    common: dict[str, Colour] = field(repr=False)


# Name and silhouette; the colours of `_INKS`; the two colours of the marks.
_FAMILIES = (
    (
        "finch",
        Build(depth=0.31, head=0.28, beak=(0.25, 0.22, 0.02), tail=(0.55, 0.24, 0.22), wing_mark="bars"),
        "7d7f45 e9dfa4 d9b94e 8f8a4a a58f3e 868553 dcc467 6b6b3a 47472e 54523a b08b62 9a6a4a 3a2418",
        "f6f1d8 b8402c",
    ),
    (
        "jay",
        Build(0.28, 24, 0.26, 0.02, (0.31, 0.15, 0.02), 0.55, 0.33, (0.85, 0.26, -0.1), (0.95, 0.37), "bars", "band"),
        "5a7fb5 d8dde2 a9bdd4 3f6bb0 5f86bd 6d8fc2 c3d0de 3f72c4 2c4a86 3567b3 34343c 3a3638 2a1a14",
        "f4f6fa 23263a",
    ),
    (
        "thrush",
        Build(0.33, 22, 0.27, 0.0, (0.27, 0.14, 0.0), 0.0, 0.38, (0.6, 0.22, 0.03), (0.9, 0.4), "patch", "spots"),
        "80593a f0e6d2 e6c89a 7a5335 8e6643 8a6242 efe0bf 76502f 5a3a24 6b4629 8a6a3c c58c6a 2a1810",
        "3d2417 d9772b",
    ),
    (
        "swallow",
        Build(0.24, 14, 0.25, 0.0, (0.19, 0.15, 0.03), 0.0, 0.24, (0.95, 0.34, 0.62), (1.12, 0.32), "tip", "band"),
        "2f3f78 f1dfc8 e9cfae 2b3a70 7a3b34 34457f b4553a 2a3566 20264a 252f5e 2a2628 4a3a3a 1a1212",
        "f8ead2 c9482f",
    ),
    (
        "wagtail",
        Build(0.25, 10, 0.24, 0.02, (0.24, 0.12, 0.0), 0.0, 0.36, (1.0, 0.15, 0.04), (0.84, 0.33), "bars", "streaks"),
        "8c9a4c f3dc4a f0d23c 9aa3a6 b3b9b5 98a29a f4e27a 5d5f55 3c3e3a 3b3d3c 3a3632 4a3e3a 20160f",
        "fbfbf0 2a2a2e",
    ),
    (
        "sandpiper",
        Build(0.28, 12, 0.23, 0.16, (0.55, 0.12, 0.05), 0.0, 0.52, (0.4, 0.2, 0.0), (0.9, 0.34), "bar", "streaks", 0.9),
        "a58c74 f5f0e6 d8c6ae 8a725c a8927b b09a82 ebdfcb 93795f 6b5744 9c8a78 3f3a38 d9a13c 241a14",
        "fffaf0 8c3f22",
    ),
    (
        "dove",
        Build(0.34, 16, 0.22, 0.05, (0.22, 0.13, 0.04), 0.0, 0.24, (0.72, 0.46, -0.15), (0.95, 0.4), "spots", "band"),
        "a39a9f e3d3d6 d3aeb2 a8a9b6 b8b8c2 bba0aa dcbcc0 9b8f8c 6f6668 857c82 55474b b04a55 7a2d1c",
        "3b3440 f7f2f0",
    ),
    (
        "kingfisher",
        Build(
            0.31, 40, 0.31, 0.0, (0.55, 0.19, 0.0), 0.18, 0.17, (0.36, 0.22, 0.0), (0.8, 0.38), "spots", "band", 0.98
        ),
        "22a3b8 e8893a e27a2c 1b7f9e 2590ab 2f95a6 f4e4cf 157a8c 0f566d 1a86a8 3a3030 d2502f 201414",
        "f6f2e6 7c2f8a",
    ),
    (
        "woodpecker",
        Build(
            0.27, 52, 0.27, 0.02, (0.36, 0.15, 0.0), 0.38, 0.22, (0.62, 0.24, -0.35), (0.9, 0.36), "spots", "streaks"
        ),
        "2d2c33 ece8de d9d2c4 36343c 4c474a 403d45 f0ebe0 2b2a30 1e1e24 24232a 5c5a60 5a5660 6a1f1a",
        "d8262b f7f3e8",
    ),
    (
        "parrot",
        Build(0.29, 46, 0.30, 0.0, (0.23, 0.27, 0.16), 0.0, 0.2, (1.0, 0.2, -0.7), (0.95, 0.38), "patch", "band", 0.95),
        "3f9a3c a8d04a 6fbf45 4aa843 62b84e 54a84a 8fcc52 35903c 226a4a 2f8a5a c9573c 8a7a78 d98a2a",
        "e8402f f2d330",
    ),
    (
        "wren",
        Build(
            0.35,
            20,
            0.28,
            0.0,
            (0.28, 0.12, 0.04),
            0.0,
            0.32,
            (0.42, 0.24, -0.15),
            (0.7, 0.36),
            "bars",
            "streaks",
            1.05,
        ),
        "9c5a34 e3c39c d4a577 8f4f2d a5673f a0623b ecd6b4 8a4a28 6a3620 874a2a 6a4a30 b98a68 20120c",
        "fff3dc 33190f",
    ),
    (
        "magpie",
        Build(
            0.28, 20, 0.25, 0.02, (0.28, 0.16, 0.03), 0.0, 0.36, (1.15, 0.28, -0.45), (0.9, 0.36), "patch", "band", 0.93
        ),
        "3a2f5c efeaf2 57467f 352b58 44386c 4a3d70 5d4a86 4c3a8a 2e2460 3a3f8c 2a2630 36303a 3a1a1a",
        "f8f4fb e0a02c",
    ),
)
_INKS = (
    *("back", "belly", "breast", "crown", "forehead", "nape", "throat"),
    *("wing", "flight", "tail", "beak", "leg", "iris"),
)

# The marks, the ink a member without one shows there, and the word for a species that has it alone.
_SITES = (
    ("crown mark", "crown", "capped"),
    ("throat", "throat", "bibbed"),
    ("wing mark", "wing", "barred"),
    ("tail tip", "tail", "tipped"),
    ("breast mark", "breast", "flecked"),
    ("eye ring", "nape", "ringed"),
    ("beak", "beak", "billed"),
    ("nape", "nape", "naped"),
)
# Which of (none, first colour, second colour) each of three members has. Most marks are shared by two, so that no one
# part names the species; families start at different rows, so that no part matters in all of them.
_CODES = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 2, 0), (2, 2, 0), (0, 1, 2), (2, 0, 2), (0, 1, 1))
_BEAKS = (1.0, 1.15, 0.88)
_ROUNDS = ("", "northern ", "island ")


def species(index: int) -> Species:
    """Return the species of one class.

    Parameters
    ----------
    index : int
        The class, 0…107.

    Raises
    ------
    IndexError
        There is no such species.
    """
    if not 0 <= index < len(_FAMILIES) * len(_ROUNDS) * MEMBERS:
        raise IndexError(f"there is no species {index}")
    family, member = divmod(index, MEMBERS)
    again, kind = divmod(family, len(_FAMILIES))
    noun, build, plumage, marks = _FAMILIES[kind]
    inks = dict(zip(_INKS, (_colour(text, again) for text in plumage.split()), strict=True))
    accents = [_colour(text, again, 0.9) for text in marks.split()]
    members = [_plumage(inks, accents, family, m) for m in range(MEMBERS)]
    common = {ink: _mean([m[ink] for m in members]) for ink in members[0]}
    length, depth, hook = build.beak
    shaped = Build(**{**vars(build), "beak": (length * _BEAKS[member], depth, hook)})
    name = f"{_ROUNDS[again]}{_word(family, member)} {noun}".capitalize()
    return Species(name, family, shaped, members[member], common)


def _code(family: int, site: int) -> tuple[int, int, int]:
    return _CODES[(site + family) % len(_CODES)]


def _word(family: int, member: int) -> str:
    alone = [
        _SITES[s][2] for s in range(len(_SITES)) if [m > 0 for m in _code(family, s)] == [m == member for m in range(3)]
    ]
    return alone[0]


def _plumage(inks: dict[str, Colour], accents: list[Colour], family: int, member: int) -> dict[str, Colour]:
    colours = {**inks, "pupil": (12, 10, 12), "glint": (250, 250, 250)}
    for site, (mark, plain, _) in enumerate(_SITES):
        which = _code(family, site)[member]
        colours[mark] = accents[which - 1] if which else inks[plain]
    return colours


def _colour(text: str, again: int, shift: float = 0.37) -> Colour:
    """Read a hex colour; later rounds of families wear the same silhouettes in hues `shift` turns further each."""
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (0, 2, 4))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    light = light + 0.25 * again * (0.5 - light)
    red, green, blue = colorsys.hls_to_rgb((hue + again * shift) % 1, light, min(1.0, saturation * (1 + 0.35 * again)))
    return (255 * red, 255 * green, 255 * blue)


def _mean(colours: list[Colour]) -> Colour:
    red, green, blue = (sum(channel) / len(colours) for channel in zip(*colours, strict=True))
    return (red, green, blue)
