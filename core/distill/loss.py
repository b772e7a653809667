"""What a student minimises."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812


class Losses(NamedTuple):
    """The loss and its named parts, each a scalar: `total = α·cross_entropy + (1 − α)·divergence`."""

    total: torch.Tensor
    cross_entropy: torch.Tensor
    divergence: torch.Tensor


def distillation_loss(
    student: torch.Tensor, labels: torch.Tensor, teacher: torch.Tensor | None, alpha: float, temperature: float
) -> Losses:
    """Return L = α·CE(student, label) + (1−α)·T²·KL(softmax(teacher/T) ‖ softmax(student/T)), batch mean.

    Hinton et al. 2015 (arXiv 1503.02531). Computed in fp32, or float64 where the logits are.

    Parameters
    ----------
    student, teacher : torch.Tensor, (N, classes)
        Logits. `teacher` may be None at α = 1, where the divergence is not needed and given as 0.
    labels : torch.Tensor, (N,), int64
    alpha : float
        Weight of the labels; 1 is no distillation.
    temperature : float
        T, which softens both distributions; T² keeps the gradient's size (§2 of the paper).

    Raises
    ------
    ValueError
        α < 1 without a teacher.
    """
    student = student if student.dtype == torch.float64 else student.float()
    cross_entropy = F.cross_entropy(student, labels)
    if alpha == 1:
        return Losses(cross_entropy, cross_entropy, torch.zeros_like(cross_entropy))
    if teacher is None:
        raise ValueError("α < 1 needs the teacher's logits")
    divergence = temperature**2 * F.kl_div(
        F.log_softmax(student / temperature, 1),
        F.log_softmax(teacher.to(student.dtype) / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    return Losses(alpha * cross_entropy + (1 - alpha) * divergence, cross_entropy, divergence)
