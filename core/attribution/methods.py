"""A batch of images explained by the methods of `core.methods`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from core.attribution.captum_methods import SAMPLES, grad_cam, input_x_gradient, smoothgrad
from core.attribution.captum_reference import captum_integrated_gradients
from core.attribution.explanation import Explanation, Targets
from core.attribution.integrated_gradients import BUDGET, TOLERANCE, StopOn, integrated_gradients
from core.attribution.network import Prepared, Score
from core.attribution.saliency import saliency
from core.methods import method_of


@dataclass(frozen=True)
class Settings:
    """How a map is made, whatever the method; one that does not need a setting ignores it."""

    score: Score = "logit"
    """Of the explained class."""
    tolerance: float = TOLERANCE
    """Of the level difference d at which refining stops."""
    stop_on: StopOn = "map"
    """Whose d that is: the map's, or the regions'."""
    budget: int = BUDGET
    """Most gradients a map."""


Run: TypeAlias = Callable[[Prepared, Tensor, Targets, Tensor | None, np.ndarray | None, Settings], Explanation]
"""Takes network, images, targets, baseline, regions and settings."""
_RUN: dict[str, Run] = {
    "saliency": lambda network, images, targets, baseline, regions, settings: saliency(
        network, images, targets, settings.score
    ),
    "integrated_gradients": lambda network, images, targets, baseline, regions, settings: integrated_gradients(
        network, images, targets, baseline=baseline, regions=regions, **vars(settings)
    ),
    "captum": lambda network, images, targets, baseline, regions, settings: captum_integrated_gradients(
        network, images, targets, baseline=baseline, score=settings.score
    ),
    "smoothgrad": lambda network, images, targets, baseline, regions, settings: smoothgrad(
        network, images, targets, settings.score, min(SAMPLES, settings.budget)
    ),
    "input_x_gradient": lambda network, images, targets, baseline, regions, settings: input_x_gradient(
        network, images, targets, settings.score
    ),
    "grad_cam": lambda network, images, targets, baseline, regions, settings: grad_cam(
        network, images, targets, settings.score
    ),
}


@torch.inference_mode(False)  # gradients are wanted, whatever the caller is in
def explain(
    network: Prepared,
    images: Tensor,
    targets: Targets,
    methods: Sequence[str],
    settings: Settings | None = None,
    *,
    baseline: Tensor | None = None,
    regions: np.ndarray | None = None,
) -> dict[str, Explanation]:
    """Explain a batch by methods of `core.methods`; saliency is free where integrated gradients are asked for too.

    Parameters
    ----------
    network : Prepared
    images : Tensor
        (N, C, H, W), normalised as the network expects, in its dtype; on any device.
    targets : Tensor or ndarray
        (N,) int: the class explained.
    methods : sequence of str
    settings : Settings, optional
    baseline : Tensor, optional
        From `core.attribution.baseline`; zeros (the data set's mean colour) when None.
    regions : ndarray, optional
        (N, H, W) integers: 0 where there is no region, r + 1 on region r.

    Raises
    ------
    UserError
        There is no such method.
    ValueError
        As the method itself.
    """
    settings = settings or Settings()
    chosen = [method_of(name) for name in methods]
    found: dict[str, Explanation] = {}
    for method in sorted(chosen, key=lambda method: -method.signed):
        along = found.get("integrated_gradients")
        if method.name == "saliency" and along is not None and along.saliency is not None:
            count, nothing = len(along.maps), np.zeros(len(along.maps), np.float32)
            found["saliency"] = replace(
                along,
                maps=along.saliency,
                gap=nothing + np.nan,
                difference=nothing,
                region_difference=nothing,
                evaluations=np.ones(count, np.int32),
                converged=np.ones(count, np.bool_),
                saliency=None,
            )
        else:
            found[method.name] = _RUN[method.name](network, images, targets, baseline, regions, settings)
    return {name: found[name] for name in methods}
