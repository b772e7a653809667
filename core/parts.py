"""From maps to parts: what each part of an image receives."""

import numpy as np


def masks(part_map: np.ndarray, count: int) -> np.ndarray:
    """Spread part maps into one mask a part.

    Parameters
    ----------
    part_map : ndarray
        (N, H, W) or (H, W) integers: 0 where there is no part, p + 1 on part p.
    count : int
        P, parts of the dataset.

    Returns
    -------
    ndarray
        (N, P, H, W) bool, N = 1 for a single part map. Masks never overlap; that of a part out of sight is empty.

    Raises
    ------
    ValueError
        The part map has another shape, or names a part beyond `count`.
    """
    part_map = _checked(part_map, count)
    return part_map[:, None] == np.arange(1, count + 1)[:, None, None]


def importance(maps: np.ndarray, part_map: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum relevance over every part, without building masks.

    mass_p = Σ m·M_p and area_p = Σ M_p; the density of a part is mass / area. Equal to `part_mass` and `part_area`
    on `masks(part_map, count)`.

    Parameters
    ----------
    maps : ndarray
        (N, H, W) or (H, W) relevance ≥ 0.
    part_map : ndarray
        Of the same shape, integers: 0 where there is no part, p + 1 on part p.
    count : int
        P, parts of the dataset.

    Returns
    -------
    mass, area : ndarray
        (N, P) float64 each, in units of the map and in pixels; NaN where the part is not visible.

    Raises
    ------
    ValueError
        Shapes differ, a map is negative somewhere, or the part map names a part beyond `count`.
    """
    part_map = _checked(part_map, count)
    maps = np.asarray(maps)
    maps = maps[None] if maps.ndim == 2 else maps
    if maps.shape != part_map.shape:
        raise ValueError(f"maps {maps.shape} and part maps {part_map.shape} differ in shape")
    _check_sign(maps)
    mass = np.empty((len(maps), count))
    area = np.empty((len(maps), count))
    for i, (values, parts) in enumerate(zip(maps, part_map, strict=True)):
        flat = parts.ravel()
        mass[i] = np.bincount(flat, weights=values.ravel(), minlength=count + 1)[1:]
        area[i] = np.bincount(flat, minlength=count + 1)[1:]
    hidden = area == 0
    mass[hidden] = area[hidden] = np.nan
    return mass, area


def part_mass(maps: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Sum relevance over every part: mass_p = Σ m·M_p.

    Parameters
    ----------
    maps : ndarray
        (N, H, W) relevance ≥ 0.
    parts : ndarray
        (N, P, H, W) bool, no pixel in two parts of one image.

    Returns
    -------
    ndarray
        (N, P) float64, in units of the map; NaN where the part is not visible (its mask is empty).

    Raises
    ------
    ValueError
        Shapes do not fit, masks are not bool or overlap, or a map is negative somewhere.
    """
    maps = np.asarray(maps)
    area = part_area(parts)
    if maps.shape != (len(parts), *parts.shape[2:]):
        raise ValueError(f"maps {maps.shape} and part masks {parts.shape} do not fit: (N, H, W) and (N, P, H, W)")
    _check_sign(maps)
    mass = np.empty(area.shape)
    for i, (values, part) in enumerate(zip(maps, parts, strict=True)):
        mass[i] = part.reshape(len(part), -1) @ values.ravel().astype(np.float64)
    mass[np.isnan(area)] = np.nan
    return mass


def part_area(parts: np.ndarray) -> np.ndarray:
    """Count the pixels of every part: (N, P, H, W) bool -> (N, P) float64, NaN where the part is not visible.

    Raises
    ------
    ValueError
        Masks are not (N, P, H, W) bool, or overlap.
    """
    if parts.ndim != 4 or parts.dtype != bool:
        raise ValueError(f"part masks are (N, P, H, W) bool, not {parts.dtype} {parts.shape}")
    if parts.sum(axis=1, dtype=np.uint16).max(initial=0) > 1:
        raise ValueError("part masks overlap: a pixel may belong to one part only, or it would count twice")
    area = parts.sum(axis=(2, 3), dtype=np.float64)
    area[area == 0] = np.nan
    return area


def part_density(maps: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Average relevance over every part: mass_p / Σ M_p, (N, P) float64, NaN where the part is not visible.

    Parameters and errors are those of `part_mass`. It is the default importance, as ranking parts by mass mostly ranks
    them by area.
    """
    return part_mass(maps, parts) / part_area(parts)


def _check_sign(maps: np.ndarray) -> None:
    if (maps < 0).any():
        raise ValueError("relevance is never negative: pass signed maps through attribution.relevance first")


def _checked(part_map: np.ndarray, count: int) -> np.ndarray:
    part_map = np.asarray(part_map)
    part_map = part_map[None] if part_map.ndim == 2 else part_map
    if part_map.ndim != 3 or not np.issubdtype(part_map.dtype, np.integer):
        raise ValueError(f"a part map is (N, H, W) or (H, W) of integers, not {part_map.dtype} {part_map.shape}")
    if part_map.size and not 0 <= part_map.min() <= part_map.max() <= count:
        raise ValueError(f"a part map of {count} parts holds 0 to {count}, not {part_map.min()} to {part_map.max()}")
    return part_map
