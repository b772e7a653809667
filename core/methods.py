"""The methods by name, with what a page, a report and the engine need to know of each. Nothing here imports torch."""

from dataclasses import dataclass

import numpy as np

from core.errors import unknown


@dataclass(frozen=True)
class Method:
    """A way to ask a network where it looks; `core.attribution.explain` does it."""

    name: str
    label: str
    sentence: str
    signed: bool
    channels: str
    """How the colour channels become one number a pixel."""
    reference: str
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
            quick=True,
        ),
        Method(
            name="integrated_gradients",
            label="Integrated gradients",
            sentence="How much each pixel adds to, or takes from, the class score on the way from a baseline to here.",
            signed=True,
            channels="their sum",
            reference="Sundararajan, Taly and Yan, ICML 2017, arXiv 1703.01365",
        ),
        Method(
            name="captum",
            label="Integrated gradients by Captum",
            sentence="Integrated gradients as the library Captum computes them, with 50 points for every map.",
            signed=True,
            channels="their sum",
            reference="Kokhlikyan et al. 2020, arXiv 2009.07896",
        ),
        Method(
            name="smoothgrad",
            label="SmoothGrad",
            sentence="How strongly the class score reacts to each pixel, on average over slightly noisy copies of the "
            "image.",
            signed=False,
            channels="the largest size of the three",
            reference="Smilkov et al. 2017, arXiv 1706.03825",
        ),
        Method(
            name="input_x_gradient",
            label="Input × gradient",
            sentence="How strongly the class score reacts to each pixel, times how far the pixel is from the data's "
            "mean colour.",
            signed=True,
            channels="their sum",
            reference="Shrikumar et al. 2016, arXiv 1605.01713",
            quick=True,
        ),
        Method(
            name="grad_cam",
            label="Grad-CAM",
            sentence="Where the network's last features speak for the class: coarse, a few cells across the image.",
            signed=False,
            channels="none left: a weighted sum of the last features",
            reference="Selvaraju et al., ICCV 2017, arXiv 1610.02391",
            quick=True,
        ),
    )
}


def relevance(maps: np.ndarray, method: str) -> np.ndarray:
    """Return maps (N, H, W) as relevance ≥ 0: the size of a signed map, an unsigned one as it is.

    Raises
    ------
    UserError
        There is no such method.
    """
    return np.abs(maps) if method_of(method).signed else maps


def method_of(name: str) -> Method:
    """Return a method by its name; UserError with the near ones where there is none."""
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]
