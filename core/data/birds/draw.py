"""One picture of one bird, and the part map drawn with the same strokes."""

import cv2
import numpy as np

from core.data.birds.anatomy import PARTS, Shape, anatomy, foot_drop, random_pose
from core.data.birds.geometry import turned
from core.data.birds.scenery import Inks, backdrop, fill, light, perch, sprig
from core.data.birds.species import Species

_FINE = 3
"""Strokes across a pixel."""


def draw(species: Species, size: int, difficulty: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw one bird of a species.

    How often `rng` is asked depends neither on the species nor on the size: a generator in the same state gives the
    same pose, scene and light.

    Parameters
    ----------
    species : Species
        What is drawn.
    size : int
        Side in pixels.
    difficulty : float
        0 (plain) … 1 (hard): clutter, twigs in front, light, faded and varied plumage, pose, blur and noise.
    rng : numpy.random.Generator
        Where every choice comes from.

    Returns
    -------
    image : ndarray (size, size, 3) uint8
        RGB.
    parts : ndarray (size, size) uint8
        0 for no part, p + 1 for `PARTS[p]`: the part with most strokes in the pixel, where the bird has more than half
        of them.
    """
    pose = random_pose(rng, difficulty)
    bird = anatomy(species.build, pose)
    branch, bark = perch(rng)
    shift, number = np.array((0, -foot_drop(species.build))), len(branch)
    branch = [Shape(s.part, s.ink, [outline + shift for outline in s.outlines]) for s in branch]
    placed = _placed(branch + bird, bird, species.build.size, pose.right, rng, difficulty)
    scene = _sprigs(rng, 2 + round(5 * difficulty))
    scene += [(shape, bark) for shape in placed[:number]]
    plumage = _worn(species, rng, difficulty)
    scene += [(shape, plumage) for shape in placed[number:]]
    scene += _sprigs(rng, round(4 * difficulty))

    # One canvas holds which stroke owns each point; colours and parts are both looked up from it, so they agree.
    strokes = np.zeros((_FINE * size, _FINE * size), np.uint8)
    colours, parts = np.zeros((256, 3), np.uint8), np.zeros(256, np.uint8)
    for stroke, (shape, inks) in enumerate(scene, 1):
        fill(strokes, shape.outlines, stroke)
        colours[stroke] = np.clip(inks[shape.ink], 0, 255)
        parts[stroke] = PARTS.index(shape.part) + 1 if shape.part else 0

    near_wing = PARTS.index("right wing" if pose.right else "left wing") + 1
    cover = _share(strokes, np.arange(256) > 0)
    ink = _coarse(cv2.LUT(cv2.merge([strokes] * 3), colours[None]))
    shade = _relief(_share(strokes, parts > 0), _share(strokes, parts == near_wing), rng)
    picture = backdrop(rng, size, difficulty) * (1 - cover)[:, :, None] + ink * shade[:, :, None]
    picture *= light(rng, size, difficulty)
    sigma = size / 64 * difficulty**1.5 * 1.4 * rng.random() ** 2
    if sigma > 0.15:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    strength = 20 * difficulty**2 * rng.random()
    picture += np.float32(strength) * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), _owners(strokes, parts)


def _worn(species: Species, rng: np.random.Generator, difficulty: float) -> Inks:
    """Return one individual's colours: every ink faded towards the family's by chance, and tinted."""
    names = list(species.colours)
    own = np.array([species.colours[name] for name in names])
    common = np.array([species.common[name] for name in names])
    fade = 0.85 * difficulty**1.5 * rng.random((len(names), 1))
    tint = rng.normal(0, 0.02 + 0.1 * difficulty, 3) + rng.normal(0, 0.02 + 0.14 * difficulty**2, (len(names), 3))
    worn = (own + fade * (common - own)) * np.exp(tint)
    inks: Inks = {name: (r, g, b) for name, (r, g, b) in zip(names, worn.tolist(), strict=True)}
    for part, line in (("flight", "wing line"), ("tail", "tail line"), ("beak", "beak line")):
        r, g, b = inks[part]
        inks[line] = (0.68 * r, 0.68 * g, 0.68 * b)
    return inks


def _sprigs(rng: np.random.Generator, most: int) -> list[tuple[Shape, Inks]]:
    found = []
    for _ in range(rng.integers(0, most + 1)):
        shapes, inks = sprig(rng)
        found += [(shape, inks) for shape in shapes]
    return found


def _placed(
    shapes: list[Shape], bird: list[Shape], size: float, right: bool, rng: np.random.Generator, difficulty: float
) -> list[Shape]:
    """Return shapes in body lengths (y up) in shares of the picture (y down), so that the bird is inside."""
    roll = rng.normal(0, 3 + 5 * difficulty)
    wanted = size * 0.46 * rng.uniform(0.97 - 0.2 * difficulty, 1.05)
    aside = rng.uniform(-1, 1, 2) * (0.3 + 0.6 * difficulty)
    flip = (1, -1) if right else (-1, -1)
    body = turned(np.concatenate([outline for shape in bird for outline in shape.outlines]), roll) * flip
    low, high = body.min(0), body.max(0)
    scale = min(wanted, 1.0 / float((high - low).max()))
    room = np.maximum(0.5 - scale * (high - low) / 2, 0)
    middle = 0.5 + aside * room - scale * (low + high) / 2
    outlines = [outline for shape in shapes for outline in shape.outlines]
    points = turned(np.concatenate(outlines), roll) * (scale * np.array(flip)) + middle
    ends = np.cumsum([len(outline) for outline in outlines])
    moved = iter(np.split(points, ends[:-1]))
    return [Shape(shape.part, shape.ink, [next(moved) for _ in shape.outlines]) for shape in shapes]


def _coarse(fine: np.ndarray) -> np.ndarray:
    """Return the means of a picture's blocks, float32."""
    size = fine.shape[0] // _FINE
    return cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)


def _share(strokes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return which share of each pixel the chosen strokes own, (size, size) float32."""
    return _coarse(cv2.LUT(strokes, np.where(chosen, 255, 0).astype(np.uint8))) / 255


def _relief(body: np.ndarray, wing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the shading of a rounded, mottled body lit from above, with the near wing's shadow on it."""
    size = body.shape[0]
    lean = rng.uniform(-0.7, 0.7)
    mottle = cv2.resize(rng.standard_normal((28, 28), dtype=np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    height = cv2.GaussianBlur(body, (0, 0), 0.05 * size) + 0.5 * cv2.GaussianBlur(wing, (0, 0), 0.035 * size)
    down, along = (cv2.Sobel(height, cv2.CV_32F, x, 1 - x) * (size / 64) for x in (0, 1))
    shade = np.clip(1 + 0.75 * (down + lean * along), 0.55, 1.35) + 0.035 * mottle
    drop = np.array([[1, 0, 0], [0, 1, 0.03 * size]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(wing, drop, (size, size)), (0, 0), 0.02 * size)
    shade *= 1 - 0.4 * shadow * (1 - wing)
    return 1 + (shade - 1) * body


def _owners(strokes: np.ndarray, parts: np.ndarray) -> np.ndarray:
    size = strokes.shape[0] // _FINE
    blocks = cv2.LUT(strokes, parts).reshape(size, _FINE, size, _FINE).transpose(1, 3, 0, 2)
    fine = np.ascontiguousarray(blocks).reshape(_FINE**2, size, size)
    most = np.zeros((size, size), np.uint8)
    owner = np.zeros((size, size), np.uint8)
    for part in range(1, len(PARTS) + 1):
        count = (fine == part).sum(0, dtype=np.uint8)
        owner[count > most] = part
        np.maximum(most, count, out=most)
    owner[2 * (fine > 0).sum(0, dtype=np.uint8) <= _FINE**2] = 0
    return owner
