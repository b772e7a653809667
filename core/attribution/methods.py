"""The methods by name, with what a page, a report and the engine need to know of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from core.attribution.captum_methods import SAMPLES, grad_cam, input_x_gradient, smoothgrad
from core.attribution.captum_reference import captum_integrated_gradients
from core.attribution.explanation import Explanation, Targets
from core.attribution.integrated_gradients import BUDGET, TOLERANCE, StopOn, integrated_gradients
from core.attribution.network import Prepared, Score
from core.attribution.saliency import saliency
from core.errors import unknown


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


@dataclass(frozen=True)
class Method:
    """A method: `run` takes network, images, targets, baseline, regions and settings."""

    name: str
    label: str
    sentence: str
    signed: bool
    channels: str
    """How the colour channels become one number a pixel."""
    reference: str
    run: Callable[[Prepared, Tensor, Targets, Tensor | None, np.ndarray | None, Settings], Explanation]
    quick: bool = False
    """Whether a map takes one gradient, where others take dozens."""


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="saliency",
            label="Saliency",
            sentence="How strongly the class score reacts to a tiny change of each pixel.",
            signed=False,
            channels="the largest size of the three",
            reference="Simonyan, Vedaldi and Zisserman, ICLR workshop 2014, arXiv 1312.6034",
            run=lambda network, images, targets, baseline, regions, settings: saliency(
                network, images, targets, settings.score
            ),
            quick=True,
        ),
        Method(
            name="integrated_gradients",
            label="Integrated gradients",
            sentence="How much each pixel adds to, or takes from, the class score on the way from a baseline to here.",
            signed=True,
            channels="their sum",
            reference="Sundararajan, Taly and Yan, ICML 2017, arXiv 1703.01365",
            run=lambda network, images, targets, baseline, regions, settings: integrated_gradients(
                network, images, targets, baseline=baseline, regions=regions, **vars(settings)
            ),
        ),
        Method(
            name="captum",
            label="Integrated gradients by Captum",
            sentence="Integrated gradients as the library Captum computes them, with 50 points for every map.",
            signed=True,
            channels="their sum",
            reference="Kokhlikyan et al. 2020, arXiv 2009.07896",
            run=lambda network, images, targets, baseline, regions, settings: captum_integrated_gradients(
                network, images, targets, baseline=baseline, score=settings.score
            ),
        ),
        Method(
            name="smoothgrad",
            label="SmoothGrad",
            sentence="How strongly the class score reacts to each pixel, on average over slightly noisy copies of the "
            "image.",
            signed=False,
            channels="the largest size of the three",
            reference="Smilkov et al. 2017, arXiv 1706.03825",
            run=lambda network, images, targets, baseline, regions, settings: smoothgrad(
                network, images, targets, settings.score, min(SAMPLES, settings.budget)
            ),
        ),
        Method(
            name="input_x_gradient",
            label="Input × gradient",
            sentence="How strongly the class score reacts to each pixel, times how far the pixel is from the data's "
            "mean colour.",
            signed=True,
            channels="their sum",
            reference="Shrikumar et al. 2016, arXiv 1605.01713",
            run=lambda network, images, targets, baseline, regions, settings: input_x_gradient(
                network, images, targets, settings.score
            ),
            quick=True,
        ),
        Method(
            name="grad_cam",
            label="Grad-CAM",
            sentence="Where the network's last features speak for the class: coarse, a few cells across the image.",
            signed=False,
            channels="none left: a weighted sum of the last features",
            reference="Selvaraju et al., ICCV 2017, arXiv 1610.02391",
            run=lambda network, images, targets, baseline, regions, settings: grad_cam(
                network, images, targets, settings.score
            ),
            quick=True,
        ),
    )
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
    """Explain a batch by methods of `METHODS`; saliency costs nothing where integrated gradients are asked for too.

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
    chosen = [_method(name) for name in methods]
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
            found[method.name] = method.run(network, images, targets, baseline, regions, settings)
    return {name: found[name] for name in methods}


def relevance(maps: np.ndarray, method: str) -> np.ndarray:
    """Return maps (N, H, W) as relevance ≥ 0: the size of a signed map, an unsigned one as it is.

    Raises
    ------
    UserError
        There is no such method.
    """
    return np.abs(maps) if _method(method).signed else maps


def _method(name: str) -> Method:
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]
