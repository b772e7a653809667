"""Tests of maps, on networks where it is known which map is right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, sobel
from scipy.stats import spearmanr
from torch import Tensor, nn

from core.attribution import Prepared, explain
from core.trust import CHECKS, FAULTS, LEVELS, RANDOM, SHARES, STEPS, Trust, areas, badge
from core.trust.run import _lightly, correlation, curves, order, randomisation, trust
from tests.core.attribution.nets import SIDE, trained

RNG = np.random.default_rng(0)
PIXELS = SIDE * SIDE


class Linear(nn.Module):
    """Two classes that answer to one weight a pixel, with opposite signs: the exact map is known."""

    def __init__(self) -> None:
        super().__init__()
        hills = gaussian_filter(np.random.default_rng(1).normal(size=(SIDE, SIDE)), 1.5)
        weight = torch.tensor(hills / np.abs(hills).max(), dtype=torch.float32).flatten().repeat(3)
        self.logits = nn.Linear(3 * PIXELS, 2, bias=False)
        self.logits.weight.data = torch.stack([weight, -weight])

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.logits(images.flatten(1))
        return logits


IMAGE = torch.tensor(np.random.default_rng(2).normal(0, 1, (1, 3, SIDE, SIDE)), dtype=torch.float32) / 8


@pytest.fixture(scope="module")
def linear() -> Prepared:
    return Prepared(Linear().eval(), IMAGE)


def remade(method: str, image: Tensor = IMAGE):
    return lambda network: explain(network, image, np.array([0]), [method])[method].maps[0]


def exact(linear: Prepared, method: str = "integrated_gradients") -> np.ndarray:
    return remade(method)(linear)


def judged(linear: Prepared, map: np.ndarray, remake=None, **options) -> Trust:
    # A linear network's gradient is the same for all images: only its product with the image is what it is about.
    return trust(linear, IMAGE, 0, map, remake or remade("integrated_gradients"), **options)


def test_the_exact_map_of_a_linear_network_passes(linear: Prepared) -> None:
    found = judged(linear, exact(linear), other=exact(linear), gap=0.0, difference=0.0)
    level, why = badge(found)
    assert level == "passes", why
    assert all(check.label.lower() in why for check in CHECKS.values() if found.applies(check.name))
    best = areas(found.deletion)
    assert best[0] == best.min(), "no order removes the answer sooner than the right one"
    assert areas(found.insertion)[0] == areas(found.insertion).max()


@pytest.mark.parametrize("seed", range(5))
def test_a_random_map_is_not_to_be_trusted(linear: Prepared, seed: int) -> None:
    noise = np.random.default_rng(seed + 10).normal(size=(SIDE, SIDE))
    level, why = badge(judged(linear, noise, other=exact(linear, "saliency")))
    assert level == "fails"
    assert "deletion" in why or "insertion" in why


def test_the_map_of_the_opposite_is_not_to_be_trusted(linear: Prepared) -> None:
    found = judged(linear, -exact(linear))
    assert badge(found)[0] == "fails"
    assert found.value("deletion") == found.value("insertion") == 0


@pytest.mark.parametrize("value", [0.0, 3.0, np.nan])
def test_a_flat_map_has_no_signal(linear: Prepared, value: float) -> None:
    found = judged(linear, np.full((SIDE, SIDE), value), other=exact(linear), gap=0.1, difference=0.05)
    assert badge(found)[0] == "flat"
    assert np.isnan(found.deletion).all()


def test_an_edge_detector_ignores_the_weights() -> None:
    model, images, targets = trained()
    edges = np.hypot(*(sobel(images[0].sum(0).numpy(), axis) for axis in (0, 1)))
    image, target = images[:1], int(targets[0])
    found = trust(Prepared(model, image), image, target, edges, lambda network: edges, other=edges)
    assert found.randomisation == pytest.approx(np.ones(len(SHARES)))
    level, why = badge(found)
    assert level == "fails"
    assert "shuffled weights (ρ = 1.00; at most ρ = 0.50 is asked)" in why


def test_the_gradient_of_a_trained_network_follows_its_weights() -> None:
    model, images, targets = trained()
    image, prepared = images[:1], Prepared(model, images)

    def remake(network: Prepared) -> np.ndarray:
        return explain(network, image, targets[:1], ["saliency"])["saliency"].maps[0]

    along = randomisation(prepared, remake(prepared), remake)
    assert along[0] > along[-1]
    assert abs(along[-1]) < 0.3


def test_a_flat_map_of_a_shuffled_network_shares_nothing(linear: Prepared) -> None:
    assert randomisation(linear, exact(linear), lambda network: np.zeros((SIDE, SIDE))).tolist() == [0, 0, 0]


def test_curves_are_the_probabilities_of_images_half_removed(linear: Prepared) -> None:
    begin = 0.1 * torch.ones_like(IMAGE)
    first = RNG.permutation(PIXELS)
    found = curves(linear, IMAGE, begin, 1, [first, first[::-1]], steps=4)
    for m, pixels in enumerate((first, first[::-1])):
        for k in range(5):
            image = IMAGE[0].flatten(1).clone()
            image[:, pixels[: PIXELS * k // 4].copy()] = 0.1
            expected = Linear()(image[None]).softmax(1)[0, 1].item()
            assert found[m, k] == pytest.approx(expected, rel=1e-4)


def test_adding_a_reversed_order_is_removing_it_backwards(linear: Prepared) -> None:
    """Random orders need be computed once only."""
    first, begin = RNG.permutation(PIXELS), torch.zeros_like(IMAGE)
    removed = curves(linear, IMAGE, begin, 0, [first], steps=4)
    added = curves(linear, begin, IMAGE, 0, [first[::-1]], steps=4)
    np.testing.assert_allclose(added, removed[:, ::-1], rtol=1e-6)


def test_areas_are_by_the_trapezoid_rule() -> None:
    table = RNG.random((3, 7))
    np.testing.assert_allclose(areas(table), np.trapezoid(table, np.linspace(0, 1, 7), axis=1))


def test_equal_pixels_come_in_random_order() -> None:
    map = np.zeros((8, 8))
    map[3, 5] = 1
    a, b = (order(map, np.random.default_rng(seed)) for seed in (0, 1))
    assert a[0] == b[0] == 3 * 8 + 5
    assert sorted(a) == sorted(b) == list(range(64))
    assert (a != b).any()
    assert abs(spearmanr(a[1:], np.arange(63)).statistic) < 0.4, "not from the top left"


def test_correlation_is_spearmans() -> None:
    a, b = RNG.integers(0, 9, (2, 8, 8)).astype(float)
    assert correlation(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic)
    assert np.isnan(correlation(a, np.ones((8, 8))))


def test_a_shared_liking_for_the_middle_alone_reaches_the_threshold_of_agreement() -> None:
    """So that to stay below it is a warning, and to reach it is no proof."""
    side, rng = 64, np.random.default_rng(3)
    down, across = np.mgrid[:side, :side] - side / 2
    middle = np.exp(-(down**2 + across**2) / 2 / (side / 4) ** 2)

    def blobs() -> np.ndarray:
        return middle * gaussian_filter(rng.normal(size=(side, side)), side / 16)

    found = [correlation(_lightly(blobs()), _lightly(blobs())) for _ in range(20)]
    assert np.mean(found) == pytest.approx(CHECKS["agreement"].threshold, abs=0.06)


def test_the_blurred_control_is_of_the_same_map(linear: Prepared) -> None:
    found = judged(linear, exact(linear))
    assert found.deletion.shape == found.insertion.shape == (2 + RANDOM, STEPS + 1)
    assert (found.deletion[:, 0] == found.deletion[0, 0]).all()
    assert (found.insertion[:, -1] == found.deletion[0, 0]).all()
    of_map, blurred, *random = areas(found.deletion)
    assert of_map < blurred < np.mean(random)


def test_all_of_it_follows_the_seed(linear: Prepared) -> None:
    first, again, other = (judged(linear, exact(linear), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.deletion, again.deletion)
    np.testing.assert_array_equal(first.randomisation, again.randomisation)
    assert (first.deletion[2:] != other.deletion[2:]).any()
    np.testing.assert_array_equal(first.deletion[0], other.deletion[0])


def test_the_network_and_the_image_stay_as_they_are(linear: Prepared) -> None:
    before, weights = IMAGE.clone(), [weight.clone() for weight in linear.body.parameters()]
    judged(linear, exact(linear))
    assert torch.equal(IMAGE, before)
    assert all(map(torch.equal, linear.body.parameters(), weights))


def test_class_0_and_another_baseline(linear: Prepared) -> None:
    begin = torch.full((1, 3, 1, 1), -0.2)
    found = judged(linear, exact(linear), baseline=begin)
    empty = Linear()(begin.expand_as(IMAGE)).softmax(1)[0, 0].item()
    assert found.deletion[0, -1] == pytest.approx(empty, rel=1e-4)


def test_what_does_not_fit_is_refused(linear: Prepared) -> None:
    with pytest.raises(ValueError, match="one image"):
        judged(linear, np.zeros((SIDE, SIDE + 1)))
    with pytest.raises(ValueError, match="one image"):
        trust(linear, IMAGE.repeat(2, 1, 1, 1), 0, exact(linear), remade("saliency"))


def made(**values) -> Trust:
    falls, rises = np.linspace(1, 0, STEPS + 1), np.linspace(0, 1, STEPS + 1)
    spread = np.linspace(0.9, 1.1, RANDOM)[:, None]
    good = Trust(
        deletion=np.stack([0.2 * falls, 0.3 * falls, *(falls * spread)]),
        insertion=np.stack([2 * rises, 2 * rises, *(rises * spread)]),
        randomisation=np.array([0.9, 0.5, 0.1]),
        agreement=0.9,
        gap=0.01,
        difference=0.05,
        signal=True,
    )
    return replace(good, **values)


@pytest.mark.parametrize(
    ("values", "level"),
    [
        ({}, "passes"),
        ({"agreement": 0.5}, "partly"),
        ({"gap": 0.5}, "partly"),
        ({"gap": 0.5, "difference": 0.4}, "fails"),
        ({"randomisation": np.array([1.0, 1.0, 0.6])}, "fails"),
        ({"randomisation": np.array([1.0, 1.0, -0.6])}, "passes"),
        ({"agreement": np.nan, "gap": np.nan, "difference": np.nan}, "passes"),
        ({"signal": False}, "flat"),
    ],
)
def test_the_badge_follows_the_table(values: dict, level: str) -> None:
    assert badge(made(**values))[0] == level
    assert badge(made(**values))[1].endswith(".")


def test_a_threshold_itself_passes() -> None:
    for check in CHECKS.values():
        assert check.passed(check.threshold)
        assert not check.passed(check.threshold + (-1 if check.at_least else 1))


def test_what_is_undefined_counts_neither_way() -> None:
    level = np.ones((2 + RANDOM, STEPS + 1))
    found = made(deletion=level, insertion=level)
    assert not found.applies("deletion")
    assert badge(found)[0] == "passes"
    assert "deletion" not in badge(found)[1]
    nothing = made(
        deletion=level, insertion=level, randomisation=np.full(3, np.nan), agreement=np.nan, gap=np.nan, difference=0.0
    )
    assert badge(nothing) == ("partly", "No check could be made.")


def test_checks_are_declared() -> None:
    assert FAULTS > 1
    assert set(LEVELS) == {"passes", "partly", "fails", "flat"}
    for name, check in CHECKS.items():
        assert check.name == name
        assert check.sentence.endswith(".")
        assert check.label
        assert check.reference
        assert check.rule.startswith("at least" if check.at_least else "at most")


@pytest.mark.parametrize("found", [made(), made(signal=False, agreement=np.nan)])
def test_arrays_and_back(found: Trust) -> None:
    # The cache gives numbers back as arrays of one.
    back = Trust.from_arrays({name: np.ascontiguousarray(value) for name, value in found.arrays().items()})
    for name, value in vars(found).items():
        np.testing.assert_array_equal(getattr(back, name), value)
    assert back.signal is found.signal


def test_the_readme_states_every_threshold() -> None:
    readme = " ".join((Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split())
    told = readme.partition("**How far a map may be trusted**")[2].partition("- **")[0]
    for check in CHECKS.values():
        assert f"*{check.label.lower()}*" in told.lower()
        assert check.rule in told
    assert all(LEVELS[level][2:] in told for level in ("partly", "fails"))
