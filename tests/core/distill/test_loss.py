import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from scipy.special import log_softmax, rel_entr, softmax

from core.distill import distillation_loss
from core.distill.loss import explanation_loss, input_x_gradient

RNG = np.random.default_rng(0)
STUDENT, TEACHER = RNG.normal(scale=3, size=(2, 7, 5))
LABELS = RNG.integers(5, size=7)


def loss(alpha: float, temperature: float, student: np.ndarray = STUDENT, teacher: np.ndarray | None = TEACHER):
    given = None if teacher is None else torch.tensor(teacher)
    return distillation_loss(torch.tensor(student), torch.tensor(LABELS), given, alpha, temperature)


def gradient(temperature: float) -> torch.Tensor:
    student = torch.tensor(STUDENT, requires_grad=True)
    distillation_loss(student, torch.tensor(LABELS), torch.tensor(TEACHER), 0.0, temperature).total.backward()
    assert student.grad is not None
    return student.grad


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
def test_the_closed_form(alpha: float, temperature: float) -> None:
    entropy = -log_softmax(STUDENT, axis=1)[np.arange(7), LABELS].mean()
    p, q = softmax(TEACHER / temperature, axis=1), softmax(STUDENT / temperature, axis=1)
    divergence = temperature**2 * rel_entr(p, q).sum(axis=1).mean()
    got = loss(alpha, temperature)
    assert float(got.cross_entropy) == pytest.approx(entropy, rel=1e-12)
    assert float(got.divergence) == pytest.approx(divergence, rel=1e-9)
    assert float(got.total) == pytest.approx(alpha * entropy + (1 - alpha) * divergence, rel=1e-9)


def test_two_classes_by_hand() -> None:
    """Teacher ½ : ½, student ¾ : ¼: KL is ½ ln(½ / ¾) + ½ ln(½ / ¼)."""
    got = distillation_loss(
        torch.tensor([[np.log(3.0), 0.0]]),
        torch.tensor([0]),
        torch.tensor([[7.0, 7.0]], dtype=torch.float64),
        0.25,
        1.0,
    )
    entropy, divergence = -np.log(0.75), 0.5 * np.log(2 / 3) + 0.5 * np.log(2)
    assert float(got.total) == pytest.approx(0.25 * entropy + 0.75 * divergence)


def test_without_distillation_it_is_cross_entropy_and_needs_no_teacher() -> None:
    first, second = (torch.tensor(STUDENT, requires_grad=True) for _ in range(2))
    got = distillation_loss(first, torch.tensor(LABELS), None, 1.0, 4.0)
    want = F.cross_entropy(second, torch.tensor(LABELS))
    assert torch.equal(got.total, want)
    assert float(got.divergence) == 0
    got.total.backward()
    want.backward()
    assert torch.equal(first.grad, second.grad)


def test_less_than_all_labels_needs_a_teacher() -> None:
    with pytest.raises(ValueError, match="teacher"):
        loss(0.999, 4.0, teacher=None)


def test_a_student_like_its_teacher_has_no_divergence_and_no_pull() -> None:
    student = torch.tensor(TEACHER, requires_grad=True)
    got = distillation_loss(student, torch.tensor(LABELS), torch.tensor(TEACHER), 0.0, 4.0)
    assert got.total.item() == pytest.approx(0, abs=1e-12)
    got.total.backward()
    assert student.grad.abs().max() < 1e-12
    shifted = loss(0.0, 4.0, student=TEACHER + 100.0)  # the same probabilities
    assert float(shifted.divergence) == pytest.approx(0, abs=1e-9)


def test_the_square_of_the_temperature_keeps_the_size_of_the_gradient() -> None:
    """Hinton et al. 2015, section 2.1: for large T the pull is (student − teacher) / classes, whatever T."""
    centred = (STUDENT - STUDENT.mean(1, keepdims=True)) - (TEACHER - TEACHER.mean(1, keepdims=True))
    limit = centred / (5 * 7)
    np.testing.assert_allclose(gradient(1e4), limit, atol=1e-3 * np.abs(limit).max())
    assert float(gradient(200).norm() / gradient(100).norm()) == pytest.approx(1, abs=0.02)


def test_the_gradient_is_the_derivative() -> None:
    student = torch.tensor(STUDENT, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda s: distillation_loss(s, torch.tensor(LABELS), torch.tensor(TEACHER), 0.3, 4.0).total, (student,)
    )


def test_the_teacher_is_not_taught() -> None:
    """Its logits come without a gradient, and half precision is summed in single."""
    student = torch.tensor(STUDENT).bfloat16().requires_grad_()
    got = distillation_loss(student, torch.tensor(LABELS), torch.tensor(TEACHER).bfloat16(), 0.1, 4.0)
    assert all(part.dtype == torch.float32 for part in got)
    exact = loss(0.1, 4.0, student.detach().double().numpy(), torch.tensor(TEACHER).bfloat16().double().numpy())
    assert got.total.item() == pytest.approx(float(exact.total), rel=1e-5)


def test_logits_far_apart_stay_finite() -> None:
    far = np.array([[1e4, -1e4, 0, 0, 0]] * 7)
    for part in loss(0.5, 1.0, student=far, teacher=-far):
        assert np.isfinite(float(part))


WEIGHTS = RNG.normal(size=(2, 5, 3, 4, 4))
"""Of a linear student and a linear teacher: logits are sums over an image (3, 4, 4), a class each."""
IMAGES = RNG.normal(size=(7, 3, 4, 4))
CLASSES = RNG.integers(5, size=7)


def linear_maps(weights: torch.Tensor, twice: bool = True) -> torch.Tensor:
    x = torch.tensor(IMAGES, requires_grad=True)
    return input_x_gradient(torch.einsum("nchw,kchw->nk", x, weights), x, torch.tensor(CLASSES), twice)


def test_the_map_of_a_linear_network_is_what_each_pixel_adds_to_the_score() -> None:
    maps = linear_maps(torch.tensor(WEIGHTS[0]), twice=False)
    np.testing.assert_allclose(maps, (IMAGES * WEIGHTS[0][CLASSES]).sum(1), rtol=1e-12)
    scores = np.einsum("nchw,nchw->n", IMAGES, WEIGHTS[0][CLASSES])
    np.testing.assert_allclose(maps.sum((1, 2)), scores, rtol=1e-9)


def test_the_explanation_term_in_closed_form() -> None:
    maps = [(IMAGES * weights[CLASSES]).sum(1).reshape(7, -1) for weights in WEIGHTS]
    cosine = (maps[0] * maps[1]).sum(1) / np.linalg.norm(maps[0], axis=1) / np.linalg.norm(maps[1], axis=1)
    student, teacher = (linear_maps(torch.tensor(weights)) for weights in WEIGHTS)
    assert float(explanation_loss(student, teacher)) == pytest.approx(1 - cosine.mean(), rel=1e-12)
    given = torch.tensor(STUDENT), torch.tensor(LABELS), torch.tensor(TEACHER), 0.3, 4.0
    with_maps, without = distillation_loss(*given, (student, teacher), 2.5), distillation_loss(*given)
    assert float(with_maps.explanation) == pytest.approx(1 - cosine.mean(), rel=1e-12)
    assert float(with_maps.total - without.total) == pytest.approx(2.5 * (1 - cosine.mean()), rel=1e-9)
    assert float(without.explanation) == 0
    assert torch.equal(with_maps.divergence, without.divergence)


def test_maps_alike_but_for_their_size_are_alike() -> None:
    teacher = linear_maps(torch.tensor(WEIGHTS[1]))
    assert float(explanation_loss(7 * teacher, teacher)) == pytest.approx(0, abs=1e-12)
    assert float(explanation_loss(-teacher, teacher)) == pytest.approx(2)
    assert float(explanation_loss(torch.zeros_like(teacher), teacher)) == 1


def test_the_explanation_terms_gradient_is_the_derivative_with_respect_to_the_weights() -> None:
    teacher = linear_maps(torch.tensor(WEIGHTS[1])).detach()
    weights = torch.tensor(WEIGHTS[0], requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: explanation_loss(linear_maps(w), teacher), (weights,))
