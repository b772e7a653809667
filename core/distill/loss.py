"""What a student minimises."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812


class Losses(NamedTuple):
    """The loss and its named parts, each a scalar.

    `total = α·cross_entropy + (1 − α)·divergence + λ·explanation`.
    """

    total: torch.Tensor
    cross_entropy: torch.Tensor
    divergence: torch.Tensor
    explanation: torch.Tensor


def distillation_loss(
    student: torch.Tensor,
    labels: torch.Tensor,
    teacher: torch.Tensor | None,
    alpha: float,
    temperature: float,
    maps: tuple[torch.Tensor, torch.Tensor] | None = None,
    explanation_weight: float = 0.0,
) -> Losses:
    """Return L = α·CE(student, label) + (1−α)·T²·KL(softmax(teacher/T) ‖ softmax(student/T)) + λ·E, batch mean.

    Hinton et al. 2015 (arXiv 1503.02531); E is `explanation_loss`, where there are maps. Computed in fp32, or float64
    where the logits are.

    Parameters
    ----------
    student, teacher : torch.Tensor, (N, classes)
        Logits. `teacher` may be None at α = 1, where the divergence is not needed and given as 0.
    labels : torch.Tensor, (N,), int64
    alpha : float
        Weight of the labels; 1 is no distillation.
    temperature : float
        T, which softens both distributions; T² keeps the gradient's size (§2 of the paper).
    maps : tuple of torch.Tensor, (N, S, S), optional
        The student's and the teacher's, from `input_x_gradient`; without them E is given as 0.
    explanation_weight : float
        λ.

    Raises
    ------
    ValueError
        α < 1 without a teacher.
    """
    student = _single(student)
    cross_entropy = F.cross_entropy(student, labels)
    nothing = torch.zeros_like(cross_entropy)
    if alpha == 1:
        return Losses(cross_entropy, cross_entropy, nothing, nothing)
    if teacher is None:
        raise ValueError("α < 1 needs the teacher's logits")
    divergence = temperature**2 * F.kl_div(
        F.log_softmax(student / temperature, 1),
        F.log_softmax(teacher.to(student.dtype) / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    total = alpha * cross_entropy + (1 - alpha) * divergence
    if maps is None:
        return Losses(total, cross_entropy, divergence, nothing)
    explanation = explanation_loss(*maps)
    return Losses(total + explanation_weight * explanation, cross_entropy, divergence, explanation)


def explanation_loss(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Return 1 − cos(student's map, teacher's map), batch mean: 0 where both look alike, whatever the maps' size.

    Parchami-Araghi et al. 2024 (e²KD, arXiv 2402.03119, §3.2).

    Parameters
    ----------
    student, teacher : torch.Tensor, (N, S, S)
    """
    return 1 - F.cosine_similarity(_single(student).flatten(1), _single(teacher).flatten(1)).mean()


def input_x_gradient(logits: torch.Tensor, x: torch.Tensor, classes: torch.Tensor, twice: bool) -> torch.Tensor:
    """Return maps (N, S, S) of what the pixels x add to a score: m = Σ over channels of x·∂f_t/∂x.

    Shrikumar et al. 2016 (arXiv 1605.01713). Signed, and linear in the weights that a ReLU lets through, so that it can
    be learned; x is 0 at the data's mean colour.

    Parameters
    ----------
    logits : torch.Tensor, (N, classes)
        Of a network that was given x.
    x : torch.Tensor, (N, C, S, S)
        It asks for a gradient.
    classes : torch.Tensor, (N,), int64
        t, of each image. e²KD takes the teacher's answer, for both networks.
    twice : bool
        Whether the maps are to be differentiated in turn.
    """
    score = logits.gather(1, classes[:, None]).sum()
    (gradient,) = torch.autograd.grad(score, x, create_graph=twice)
    return (x.detach() * gradient).sum(1)


def _single(values: torch.Tensor) -> torch.Tensor:
    return values if values.dtype == torch.float64 else values.float()
