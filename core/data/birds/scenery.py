"""All that is not the bird: blurred backdrops, twigs with leaves and berries, the perch, the light.

Places are in shares of the picture's side, x to the right and y down.
"""

import cv2
import numpy as np

from core.data.birds.anatomy import Shape
from core.data.birds.geometry import U, band, bezier, direction, ellipse, piece, turned
from core.data.birds.species import Colour

Inks = dict[str, Colour]

# Where birds are seen, and what grows there.
_AIR = np.array(
    [
        *((96, 128, 74), (132, 150, 92), (60, 84, 62), (88, 110, 118), (150, 178, 196)),
        *((186, 196, 190), (112, 104, 84), (176, 150, 118), (198, 176, 132), (150, 140, 164)),
    ],
    dtype=np.float64,
)
_LEAF = np.array(
    [(84, 130, 52), (58, 100, 54), (130, 150, 60), (170, 150, 50), (190, 104, 40), (150, 54, 40), (104, 128, 100)],
    dtype=np.float64,
)
_BARK = np.array([(92, 70, 52), (120, 98, 76), (70, 58, 52), (134, 122, 108), (104, 74, 50)], dtype=np.float64)
_BERRY = np.array([(190, 40, 44), (60, 70, 150), (236, 224, 210), (226, 150, 46), (120, 50, 120)], dtype=np.float64)


def backdrop(rng: np.random.Generator, size: int, difficulty: float) -> np.ndarray:
    """Return a landscape out of focus.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the choices come from.
    size : int
        Side in pixels.
    difficulty : float
        0…1: how motley it is.

    Returns
    -------
    ndarray (size, size, 3) float32
        RGB, 0…255.
    """
    tones = _AIR[rng.integers(0, len(_AIR), 2)]
    mix = rng.random((5, 5, 1))
    field = tones[0] * mix + tones[1] * (1 - mix) + rng.normal(0, 12 + 22 * difficulty, (5, 5, 1))
    field += rng.normal(0, 5 + 16 * difficulty, (5, 5, 3))
    picture = cv2.resize(np.clip(field, 0, 255).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(0, 4 + round(6 * difficulty))):
        # Points of light far out of focus.
        tone = picture[tuple((size * rng.random(2)).astype(int))] + rng.uniform(-25, 60 + 30 * difficulty)
        disc = ellipse(rng.random(2), rng.uniform(0.03, 0.11))
        fill(picture, [disc], tuple(np.clip(tone, 0, 255)))
    for _ in range(rng.integers(0, 2 + round(4 * difficulty))):
        shapes, inks = sprig(rng, rng.uniform(0.7, 1.2))
        for shape in shapes:
            tone = 0.65 * np.array(inks[shape.ink]) + 0.35 * tones[0]
            fill(picture, shape.outlines, tuple(tone))
    return cv2.GaussianBlur(picture, (0, 0), size * rng.uniform(0.022, 0.04)).astype(np.float32)


def sprig(rng: np.random.Generator, scale: float = 1.0) -> tuple[list[Shape], Inks]:
    """Return a twig that reaches in from the picture's edge, with leaves and perhaps berries, and its colours."""
    side = rng.uniform(0, 360)
    start = np.array([0.5, 0.5]) + direction(side, 0.75)
    end = rng.uniform(0.12, 0.88, 2)
    path = bezier(start, (start + end) / 2 + rng.normal(0, 0.12, 2), end)
    width = scale * rng.uniform(0.006, 0.014)
    shapes = [Shape("", "bark", [piece(band(path, width * (1.3 - U), width * (1.3 - U)))])]
    light, dark, berries = [], [], []
    along = float(np.rad2deg(np.arctan2(*(end - start)[::-1])))
    for place in rng.uniform(0.45, 1, rng.integers(2, 6)):
        root = path[round(place * (len(path) - 1))]
        leaf = _leaf(root, along + rng.uniform(-75, 75), scale * rng.uniform(0.07, 0.17), rng.uniform(0.2, 0.36))
        light.append(leaf[0])
        dark.append(leaf[1])
    if rng.random() < 0.3:
        for _ in range(rng.integers(1, 4)):
            berries.append(ellipse(end + rng.normal(0, 0.025, 2), scale * rng.uniform(0.014, 0.028)))
    green, bark = _tone(rng, _LEAF, 22), _tone(rng, _BARK, 14)
    inks = {"bark": bark, "leaf": green, "leaf dark": _scaled(green, 0.78), "berry": _tone(rng, _BERRY, 20)}
    shapes += [Shape("", "leaf", light), Shape("", "leaf dark", dark), Shape("", "berry", berries)]
    return shapes, inks


def perch(rng: np.random.Generator) -> tuple[list[Shape], Inks]:
    """Return the branch under a bird, in body lengths around the feet with y up, and its colours."""
    slope, bend, width = rng.normal(0, 7), rng.normal(0, 0.25), rng.uniform(0.04, 0.085)
    rise = np.array((0, bend))
    # The curve must pass through the feet at its middle.
    path = bezier(direction(180 + slope, 3.2) + rise, -rise, direction(slope, 3.2) + rise) - (0, 0.75 * width)
    taper = width * (1.1 - 0.25 * U)
    edges = band(path, taper, taper)
    knots = [piece(edges, (u, u + 0.06), (v, v + 0.12)) for u, v in rng.uniform((0.2, 0.1), (0.75, 0.5), (4, 2))]
    bark = _tone(rng, _BARK, 14)
    inks = {"perch": bark, "perch light": _scaled(bark, 1.25), "perch dark": _scaled(bark, 0.72)}
    return [
        Shape("", "perch", [piece(edges)]),
        Shape("", "perch light", [piece(edges, v=(0.62, 0.95))]),
        Shape("", "perch dark", [piece(edges, v=(0.0, 0.22)), *knots]),
    ], inks


def light(rng: np.random.Generator, size: int, difficulty: float) -> np.ndarray:
    """Return what the light multiplies a picture by, (size, size, 3) float32 around 1."""
    across = np.linspace(-1, 1, size, dtype=np.float32)
    slope = direction(rng.uniform(0, 360), rng.uniform(0, 0.08 + 0.35 * difficulty)).astype(np.float32)
    field = 1 + slope[0] * across[None, :] + slope[1] * across[:, None]
    if rng.random() < difficulty:
        # Dappled shade, as under a tree.
        dapple = cv2.resize(rng.random((6, 6), dtype=np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
        field *= 1 + rng.uniform(0, 0.9 * difficulty) * (dapple - 0.5)
    exposure = np.exp(rng.normal(0, 0.04 + 0.26 * difficulty))
    cast = np.exp(rng.normal(0, 0.02 + 0.13 * difficulty, 3))
    return (field[:, :, None] * (exposure * cast)).astype(np.float32)


def fill(canvas: np.ndarray, outlines: list[np.ndarray], value: Colour | int) -> None:
    """Draw outlines given in shares of the canvas, one after the other."""
    side = canvas.shape[0]
    for outline in outlines:
        # Sixteenths of a pixel; without anti-aliasing, so that every pixel has one owner.
        points = (outline * (16 * side) - 8).round().astype(np.int32)
        cv2.fillPoly(canvas, [points], value, lineType=cv2.LINE_8, shift=4)


def _leaf(root: np.ndarray, angle: float, length: float, fat: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a leaf and its shaded half."""
    whole, half = (root + turned(outline * (length, fat * length), angle) for outline in (_WHOLE, _HALF))
    return whole, half


_EDGES = np.array([np.hstack((U, 0.4 * np.sin(np.pi * U) + side * np.sin(np.pi * U**0.8))) for side in (-1, 1)])
_WHOLE, _HALF = piece(_EDGES), piece(_EDGES, v=(0.0, 0.5))


def _tone(rng: np.random.Generator, palette: np.ndarray, spread: float) -> Colour:
    # Mostly lighter or darker: bark and leaves keep a natural hue.
    tone = palette[rng.integers(len(palette))] + rng.normal(0, spread) + rng.normal(0, 0.4 * spread, 3)
    red, green, blue = np.clip(tone, 0, 255)
    return (float(red), float(green), float(blue))


def _scaled(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255.0, factor * channel) for channel in colour)
    return (red, green, blue)
