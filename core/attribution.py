"""Where a network looks: saliency and integrated gradients of one logit, one map an image."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import unknown

Targets: TypeAlias = Tensor | np.ndarray
Policy: TypeAlias = Literal["teacher", "label", "own"]

# Samples in one forward batch: on a CPU more are slower at any size of image, and it bounds memory.
CHUNK = 16


@dataclass(frozen=True)
class Explanation:
    """Maps of a batch of images, and what is known of how good they are."""

    maps: np.ndarray
    """(N, H, W) float32: signed for a signed method, else ≥ 0."""
    gap: np.ndarray
    """(N,) float32: relative completeness gap; NaN where the method has none or it is undefined."""
    evaluations: int
    """Images sent through the network, points of a path and its ends included."""


@dataclass(frozen=True)
class Method:
    """What a page, a report and the engine need to know of a method."""

    name: str
    label: str
    sentence: str
    signed: bool
    reference: str
    run: Callable[[nn.Module, Tensor, Targets, int], Explanation]


def saliency(model: nn.Module, images: Tensor, targets: Targets) -> Explanation:
    """Explain a logit by the size of its gradient.

    m = max over channels of |∂f_t(x)/∂x|  (Simonyan, Vedaldi and Zisserman 2014, arXiv 1312.6034, section 3.1).

    Parameters
    ----------
    model : nn.Module
        In eval mode; gives logits (N, classes). Its parameters need no gradients.
    images : Tensor
        (N, C, H, W), normalised as the model expects, in the model's dtype; on any device.
    targets : Tensor or ndarray
        (N,) int: the class whose logit is explained.

    Returns
    -------
    Explanation
        maps ≥ 0 in logits per unit of normalised input, gap NaN.

    Raises
    ------
    ValueError
        The model is in training mode, or images or targets do not fit.
    """
    images, targets = _prepare(model, images, targets)
    maps = images.new_zeros(images.shape[0], *images.shape[2:])
    for rows in _batches(len(images), CHUNK):
        gradient = _gradient(model, images[rows], targets[rows])
        maps[rows] = gradient.abs().amax(dim=1)
    return Explanation(_float32(maps), np.full(len(maps), np.nan, np.float32), len(maps))


def integrated_gradients(
    model: nn.Module,
    images: Tensor,
    targets: Targets,
    baseline: Tensor | None = None,
    points: int = 32,
    chunk: int = CHUNK,
) -> Explanation:
    """Explain a logit by its gradient along the straight path from a baseline.

    m = Σ_c (x − x′) · ∫₀¹ ∂f_t(x′ + a(x − x′))/∂x da  (Sundararajan, Taly and Yan 2017, arXiv 1703.01365), the integral
    by Gauss–Legendre with `points` points, as Captum does. The gap is |Σ m − (f_t(x) − f_t(x′))| / |f_t(x) − f_t(x′)|:
    NaN where f_t(x) equals f_t(x′), unless Σ m is 0 as well, which makes it 0.

    Parameters
    ----------
    model : nn.Module
        In eval mode; gives logits (N, classes). Its parameters need no gradients.
    images : Tensor
        (N, C, H, W), normalised as the model expects, in the model's dtype; on any device.
    targets : Tensor or ndarray
        (N,) int: the class whose logit is explained.
    baseline : Tensor, optional
        x′, of a shape that broadcasts to that of the images; zeros (the dataset's mean colour) when None.
    points : int
        Gradients a path.
    chunk : int
        Most samples in one forward batch: it bounds memory and changes the result by rounding only.

    Returns
    -------
    Explanation
        maps signed, in logits.

    Raises
    ------
    ValueError
        The model is in training mode, images or targets do not fit, or points or chunk is not positive.
    """
    images, targets = _prepare(model, images, targets)
    if points < 1 or chunk < 1:
        raise ValueError(f"points and chunk must be positive, not {points} and {chunk}")
    start = images.new_zeros(1, *images.shape[1:]) if baseline is None else baseline.to(images)
    start = start.expand(1 if start.ndim < 4 else len(start), *images.shape[1:])
    path = images - start
    nodes, halves = np.polynomial.legendre.leggauss(points)
    alphas = torch.as_tensor((1 + nodes) / 2).to(images)
    weights = torch.as_tensor(halves / 2).to(images)

    total = torch.zeros_like(images)
    for rows in _batches(len(images) * points, chunk):
        sample = torch.arange(rows.start, rows.stop, device=images.device)
        image, point = sample // points, sample % points
        at = start.expand_as(images)[image] + alphas[point].view(-1, 1, 1, 1) * path[image]
        gradient = _gradient(model, at, targets[image])
        # A small matrix product, as adding by index has no fixed order on a GPU.
        first, last = rows.start // points, (rows.stop - 1) // points
        share = images.new_zeros(last - first + 1, len(sample))
        share[image - first, sample - rows.start] = weights[point]
        total[first : last + 1] += (share @ gradient.flatten(1)).view(-1, *images.shape[1:])

    attribution = (total * path).cpu()
    end = _logits(model, images, chunk).gather(1, targets.cpu()[:, None])[:, 0]
    begin = _logits(model, start, chunk).expand(len(images), -1).gather(1, targets.cpu()[:, None])[:, 0]
    gap = _gap(attribution.double().sum(dim=(1, 2, 3)), end, begin)
    evaluations = len(images) * (points + 1) + len(start)
    return Explanation(_float32(attribution.sum(dim=1)), gap, evaluations)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="saliency",
            label="Saliency",
            sentence="How strongly the class score reacts to a tiny change of each pixel.",
            signed=False,
            reference="Simonyan, Vedaldi and Zisserman, ICLR workshop 2014, arXiv 1312.6034",
            run=lambda model, images, targets, points: saliency(model, images, targets),
        ),
        Method(
            name="integrated_gradients",
            label="Integrated gradients",
            sentence="How much each pixel adds to, or takes from, the class score on the way from an image of one mean "
            "colour to this one.",
            signed=True,
            reference="Sundararajan, Taly and Yan, ICML 2017, arXiv 1703.01365",
            run=lambda model, images, targets, points: integrated_gradients(model, images, targets, points=points),
        ),
    )
}


def explain(model: nn.Module, images: Tensor, targets: Targets, method: str, points: int) -> Explanation:
    """Explain a batch by a method of `METHODS`; `points` counts for integrated gradients only.

    Raises
    ------
    UserError
        There is no such method.
    ValueError
        As the method itself.
    """
    return _method(method).run(model, images, targets, points)


def relevance(maps: np.ndarray, method: str) -> np.ndarray:
    """Return maps (N, H, W) as relevance ≥ 0: the size of a signed map, an unsigned one as it is.

    Raises
    ------
    UserError
        There is no such method.
    """
    return np.abs(maps) if _method(method).signed else maps


def pick_targets(policy: Policy, labels: np.ndarray, teacher_logits: np.ndarray, own_logits: np.ndarray) -> np.ndarray:
    """Choose the class to explain on every image.

    Parameters
    ----------
    policy : "teacher", "label" or "own"
        The teacher's top class, the annotated class, or the explained network's own top class.
    labels : ndarray
        (N,) int.
    teacher_logits, own_logits : ndarray
        (N, classes).

    Returns
    -------
    ndarray
        (N,) int64.

    Raises
    ------
    UserError
        There is no such policy.
    """
    choices: dict[str, Callable[[], np.ndarray]] = {
        "teacher": lambda: np.argmax(teacher_logits, axis=1),
        "label": lambda: np.asarray(labels),
        "own": lambda: np.argmax(own_logits, axis=1),
    }
    if policy not in choices:
        raise unknown("target", policy, choices)
    return choices[policy]().astype(np.int64)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def _prepare(model: nn.Module, images: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
    if any(module.training for module in model.modules()):
        raise ValueError("the model must be in eval mode: call model.eval() first")
    if images.ndim != 4:
        raise ValueError(f"images must be (N, C, H, W), not {tuple(images.shape)}")
    parameter = next(model.parameters(), images)
    chosen = torch.as_tensor(targets, device=parameter.device)
    if chosen.shape != images.shape[:1] or chosen.is_floating_point() or (chosen < 0).any():
        raise ValueError(f"targets must be {len(images)} class numbers ≥ 0, not {targets!r}")
    return images.detach().to(parameter.device), chosen.long()


def _batches(count: int, size: int) -> Iterator[slice]:
    return (slice(first, min(first + size, count)) for first in range(0, count, size))


def _gradient(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    with torch.enable_grad():
        images = images.detach().requires_grad_()
        score = model(images).gather(1, targets[:, None]).sum()
        return torch.autograd.grad(score, images)[0]


def _logits(model: nn.Module, images: Tensor, chunk: int) -> Tensor:
    with torch.no_grad():
        return torch.cat([model(images[rows]).cpu() for rows in _batches(len(images), chunk)] or [model(images).cpu()])


def _gap(total: Tensor, end: Tensor, begin: Tensor) -> np.ndarray:
    # What two forward passes of the same image may differ by is no difference.
    rounding = 32 * torch.finfo(end.dtype).eps * torch.maximum(end.abs(), begin.abs()).double()
    difference = end.double() - begin.double()
    same = difference.abs() <= rounding
    gap = (total - difference).abs() / torch.where(same, torch.nan, difference.abs())
    gap[same & (total.abs() <= rounding)] = 0
    return _float32(gap)


def _float32(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
