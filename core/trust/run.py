"""A map put to tests that a map of nothing fails: pixels removed and added, weights shuffled, another method."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata
from torch import Tensor

from core.attribution import Prepared
from core.trust.checks import RANDOM, SHARES, STEPS, Trust

REDRAWN = 3
"""Networks with all weights shuffled: a coarse map correlates with a single one by chance."""
BLUR, LIGHT = 1 / 16, 1 / 32
"""Standard deviations as shares of the image's side: of the blurred control, and of what two methods' maps are freed
from before they are compared, their pixel noise."""


def trust(
    network: Prepared,
    image: Tensor,
    target: int,
    map: np.ndarray,
    remake: Callable[[Prepared], np.ndarray],
    *,
    baseline: Tensor | None = None,
    other: np.ndarray | None = None,
    gap: float = float("nan"),
    difference: float = float("nan"),
    seed: int = 0,
) -> Trust:
    """Put one map to the tests of `CHECKS`.

    Parameters
    ----------
    network : Prepared
        Whose map it is.
    image : Tensor
        (1, C, H, W), normalised as the network expects.
    target : int
        The class explained.
    map : ndarray
        (H, W), signed where the method is: what speaks against the class is the last to be removed.
    remake : callable
        Gives the same method's map (H, W) of the same image through another network; a coarse one will do.
    baseline : Tensor, optional
        (1, C, H, W) or one that broadcasts to it: what removed pixels become; zeros (the data set's mean colour) when
        None.
    other : ndarray, optional
        (H, W): another method's map of the same.
    gap, difference : float
        The map's completeness gap and level difference, as its `Explanation` has them.
    seed : int
        Of the random orders and the shuffled weights.

    Raises
    ------
    ValueError
        The map, or the other, does not fit the image.
    """
    size = tuple(image.shape[2:])
    if len(image) != 1 or map.shape != size or (other is not None and other.shape != size):
        raise ValueError(f"one image and its maps are needed, not {tuple(image.shape)} and {map.shape}")
    if not _varies(map):
        nothing = np.full((2 + RANDOM, STEPS + 1), np.nan)
        return Trust(nothing, nothing, np.full(len(SHARES), np.nan), np.nan, gap, difference, False)
    image = image.detach().to(network.device, network.dtype)
    begin = torch.zeros_like(image) if baseline is None else baseline.to(image).expand_as(image)
    blurred = gaussian_filter(map.astype(np.float64), BLUR * min(size))
    rng = np.random.default_rng(seed)
    orders = [order(map, rng), order(blurred, rng)]
    random = [rng.permutation(map.size) for _ in range(RANDOM)]
    removed = curves(network, image, begin, target, [*orders, *random])
    # A random order's pixels, added from the last on, are as random: the same images, the other way round.
    added = np.concatenate([curves(network, begin, image, target, orders), removed[2:, ::-1]])
    others = None if other is None else correlation(_lightly(other), _lightly(map))
    return Trust(
        deletion=removed,
        insertion=added,
        randomisation=randomisation(network, map, remake, seed),
        agreement=np.nan if others is None else others,
        gap=gap,
        difference=difference,
        signal=True,
    )


def order(map: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the pixels (H·W,) of a map, the most important first, equals in random order."""
    return np.lexsort((rng.random(map.size), -map.ravel()))


def curves(
    network: Prepared, begin: Tensor, end: Tensor, target: int, orders: Sequence[np.ndarray], steps: int = STEPS
) -> np.ndarray:
    """Return the target's softmax probability while one image turns into another, pixel by pixel.

    Parameters
    ----------
    network : Prepared
    begin, end : Tensor
        (1, C, H, W), normalised.
    target : int
    orders : sequence of ndarray, (H·W,)
        Pixels in the order in which they change.
    steps : int
        K.

    Returns
    -------
    ndarray
        (M, K + 1) float64.
    """
    height, width = begin.shape[2:]
    places = torch.from_numpy(np.argsort(np.stack(orders), axis=1)).view(-1, 1, height, width).to(begin.device)
    cuts = [round(height * width * k / steps) for k in range(steps + 1)]
    # The two ends are the same in every order.
    wanted = [(0, 0), (0, height * width), *((m, cut) for m in range(len(orders)) for cut in cuts[1:-1])]
    found = []
    step = network.chunk(begin)
    for first in range(0, len(wanted), step):
        mixed = [torch.where(places[m] < cut, end[0], begin[0]) for m, cut in wanted[first : first + step]]
        with torch.no_grad():
            found.append(torch.softmax(network(torch.stack(mixed)).double(), dim=1)[:, target].cpu())
    values = torch.cat(found).numpy()
    ends = np.broadcast_to(values[:2], (len(orders), 2))
    return np.concatenate([ends[:, :1], values[2:].reshape(len(orders), steps - 1), ends[:, 1:]], axis=1)


def randomisation(
    network: Prepared, map: np.ndarray, remake: Callable[[Prepared], np.ndarray], seed: int = 0
) -> np.ndarray:
    """Return Spearman's ρ (S,) of a map's sizes with those of the network ever more of whose layers are shuffled.

    Adebayo et al. 2018, cascading randomisation; the last value is the mean over `REDRAWN` networks. A network that
    gives a flat map shares nothing with this one: 0.
    """
    found = []
    for share in SHARES:
        seeds = range(seed, seed + REDRAWN) if share == SHARES[-1] else [seed]
        maps = [np.abs(remake(network.randomised(share, each))) for each in seeds]
        found.append(np.mean(np.nan_to_num([correlation(np.abs(map), other) for other in maps])))
    return np.array(found)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's ρ of two maps over their pixels; NaN where one is the same everywhere."""
    if not (_varies(a) and _varies(b)):
        return float("nan")
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _varies(map: np.ndarray) -> bool:
    return bool(np.isfinite(map).all() and map.min() < map.max())


def _lightly(map: np.ndarray) -> np.ndarray:
    """Return a map's sizes lightly blurred.

    What single pixels get is noise in any gradient. Pixels, not parts: a dozen parts are too few for one image's ρ, and
    lie on the object only.
    """
    blurred: np.ndarray = gaussian_filter(np.abs(map.astype(np.float64)), LIGHT * min(map.shape))
    return blurred
