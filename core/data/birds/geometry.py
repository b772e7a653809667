"""Smooth outlines: curves, bands around them and pieces of such bands, as arrays of points (n, 2)."""

import math

import numpy as np

Across = float | np.ndarray
"""A place or width across a band: the same all along it, or (N, 1)."""

N = 25
U = np.linspace(0.0, 1.0, N)[:, None]
"""Places along a curve, (N, 1): every curve here has these samples."""

_REST = 1 - U
_START, _CONTROL, _END = _REST**2, 2 * U * _REST, U**2
_CIRCLE = np.hstack([np.cos(2 * np.pi * U[:-1]), np.sin(2 * np.pi * U[:-1])])


def direction(degrees: float, length: float = 1.0) -> np.ndarray:
    """Return the vector (2,) of an angle, counter-clockwise from x, in degrees."""
    angle = math.radians(degrees)
    return np.array((length * math.cos(angle), length * math.sin(angle)))


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """Return points (…, 2) rotated counter-clockwise about the origin."""
    c, s = direction(degrees)
    return points @ np.array(((c, s), (-s, c)))


def bezier(start: np.ndarray, control: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return a quadratic Bézier curve (N, 2)."""
    return _START * start + _CONTROL * control + _END * end


def band(path: np.ndarray, right: Across, left: Across) -> np.ndarray:
    """Return the right and the left edge (2, n, 2) of a band along a path, so far from it."""
    step = np.empty_like(path)
    step[1:-1] = path[2:] - path[:-2]
    step[0], step[-1] = path[1] - path[0], path[-1] - path[-2]
    leftward = step[:, ::-1] * (-1, 1) / np.maximum(np.hypot(step[:, :1], step[:, 1:]), 1e-9)
    return np.array((path - leftward * right, path + leftward * left))


def piece(edges: np.ndarray, u: tuple[float, float] = (0, 1), v: tuple[Across, Across] = (0.0, 1.0)) -> np.ndarray:
    """Return the outline of a piece of a band.

    Parameters
    ----------
    edges : ndarray (2, n, 2)
        The band's two edges.
    u : (float, float)
        From where to where along it, 0…1.
    v : (float or ndarray (n, 1), float or ndarray (n, 1))
        From where to where across it, 0 at the first edge and 1 at the second.

    Returns
    -------
    ndarray (m, 2)
    """
    last = edges.shape[1] - 1
    along = slice(round(u[0] * last), round(u[1] * last) + 1)
    first, second = edges
    across = second - first
    there, back = first + across * v[0], first + across * v[1]
    return np.concatenate((there[along], back[along][::-1]))


def ellipse(centre: np.ndarray, width: float, height: float | None = None) -> np.ndarray:
    """Return an upright ellipse of the given half axes (a circle without `height`)."""
    return centre + _CIRCLE * (width, width if height is None else height)
