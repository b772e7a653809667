"""Maps against Captum, closed forms, 1,024 points, and themselves in other batches."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from core.attribution import (
    SCORES,
    Explanation,
    Prepared,
    Score,
    explain,
    integrated_gradients,
    network,
    refine,
    saliency,
)
from core.attribution.explanation import completeness_gap
from core.methods import METHODS
from tests.core.attribution.nets import (
    CLASSES,
    SIDE,
    convnet,
    error,
    expected,
    gradient,
    photos,
    reference,
    smooth,
    trained,
)

TARGETS = torch.tensor([0, 3, 1, 0, 2])


class Function(nn.Module):
    """A formula as a network: logits (N, K) of images."""

    def __init__(self, formula: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.formula = formula
        self.kind = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.formula(x)


def explained(formula: Callable[[Tensor], Tensor], images: Tensor, **given: Any) -> Explanation:
    targets = given.pop("targets", torch.zeros(len(images), dtype=torch.long))
    return integrated_gradients(Prepared(Function(formula).eval(), images), images, targets, **given)


def weights(n: int = CLASSES) -> Tensor:
    return torch.randn(n, 3, 6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def halves(n: int, side: int = SIDE) -> np.ndarray:
    """Regions: nothing, left, right in columns of thirds, and one number that is nowhere in sight."""
    return np.repeat(np.array([0, 1, 3]), side // 3)[None, None].repeat(side, 1).repeat(n, 0)


@pytest.mark.parametrize("score", SCORES)
def test_a_smooth_network_equals_captum(score: Score) -> None:
    model, images, begin = smooth(), photos(5), 0.3 * photos(6)[5:]

    def scores(x: Tensor) -> Tensor:
        logits = model(x)
        return {"logit": logits, "log_softmax": logits.log_softmax(1), "probability": logits.softmax(1)}[score]

    expected = IntegratedGradients(scores).attribute(images, begin.expand_as(images), target=TARGETS, n_steps=100)
    got = integrated_gradients(
        Prepared(model, images), images, TARGETS, baseline=begin, score=score, tolerance=0, budget=600
    )
    assert (error(got.maps, expected.detach().sum(dim=1).numpy()) < 1e-4).all()
    assert (got.gap < 1e-3).all()


@pytest.mark.parametrize("shape", [(), (3, 1, 1), (1, 3, 6, 5), (3, 3, 6, 5)])
def test_a_linear_network_is_its_weights_times_the_path(shape: tuple[int, ...]) -> None:
    w, images, targets = weights(), photos(3, 6, 5), torch.tensor([0, 1, 3])
    begin = torch.randn(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    got = explained(lambda x: torch.einsum("nchw,kchw->nk", x, w), images, targets=targets, baseline=begin)
    np.testing.assert_allclose(got.maps, (w[targets] * (images - begin)).sum(dim=1), rtol=1e-5, atol=1e-7)
    assert (got.difference < 1e-12).all()
    assert (got.gap < 1e-12).all()
    assert (got.evaluations == 9).all()
    assert got.converged.all()


def test_a_quadratic_network_is_exact_with_the_first_level() -> None:
    w, images, begin = weights(), photos(3, 6, 5), torch.tensor(0.4, dtype=torch.float64)
    q, targets = w.flip(0), torch.tensor([0, 1, 3])
    got = explained(
        lambda x: torch.einsum("nchw,kchw->nk", x, w) + torch.einsum("nchw,kchw->nk", x * x, q),
        images,
        targets=targets,
        baseline=begin,
    )
    expected = (w[targets] * (images - begin) + q[targets] * (images**2 - begin**2)).sum(dim=1)
    np.testing.assert_allclose(got.maps, expected, rtol=1e-5, atol=1e-7)
    assert (got.difference < 1e-12).all()
    assert (got.gap < 1e-12).all()
    assert (got.evaluations == 9).all()


def test_other_scores_of_a_linear_network_share_its_map_out() -> None:
    """Two classes whose logits differ by w·x: log-softmax and probability are functions of w·x alone."""
    w, images = 0.3 * weights(1), photos(3, 6, 5)
    flat = torch.einsum("nchw,kchw->nk", images, w)
    pull = (w * images).sum(dim=1).numpy()
    for score, total in (
        ("log_softmax", torch.log(2 * torch.sigmoid(flat))),
        ("probability", torch.sigmoid(flat) - 0.5),
    ):
        got = explained(
            lambda x: torch.einsum("nchw,kchw->nk", x, torch.cat([w, 0 * w])),
            images,
            score=score,
            tolerance=0,
            budget=500,
        )
        np.testing.assert_allclose(got.maps, pull * (total / flat).numpy()[:, :, None], rtol=2e-3)
        assert not np.allclose(total / flat, 1, atol=0.05)


def test_the_gap_is_between_the_two_ends_of_the_score() -> None:
    """Logit a³ along the path: the trapezoid of eight intervals gives 3·(1/3 + 1/384)."""
    got = explained(lambda x: x.mean(dim=(1, 2, 3))[:, None] ** 3, torch.ones(1, 1, 2, 2, dtype=torch.float64))
    np.testing.assert_allclose(got.maps.sum(), 1 + 1 / 128, rtol=1e-6)
    np.testing.assert_allclose(got.gap, 1 / 128, rtol=1e-6)
    # With every second point, four intervals: 1 + 1/32.
    np.testing.assert_allclose(got.difference, (1 / 32 - 1 / 128) / (1 + 1 / 128), rtol=1e-6)


class Seen(nn.Module):
    """A network of one number that remembers every number it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        self.asked += x.detach().flatten().tolist()
        return (x + (20 * (x - 0.7)).sigmoid()).flatten(1)


def test_levels_keep_their_points_and_halve_where_the_path_is_rough() -> None:
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    prepared = Prepared(Seen().eval(), one)
    model: Any = prepared.body
    prepared.chunk(one)
    model.asked.clear()
    before: set[float] = set()
    for level in refine(prepared, one, torch.tensor([0]), tolerance=0, budget=60):
        points = set(model.asked)
        assert len(points) == len(model.asked) == level.evaluations[0], "no point twice"
        if not before:
            assert points == {i / 8 for i in range(9)}
        else:
            assert len(points) >= len(before) + 8
            old, new = np.array(sorted(before)), points - before
            left = np.searchsorted(old, sorted(new)) - 1
            np.testing.assert_allclose(sorted(new), (old[left] + old[left + 1]) / 2)
            slope = 1 + 20 * (s := 1 / (1 + np.exp(-20 * (old - 0.7)))) * (1 - s)
            rough = np.diff(old) * np.abs(np.diff(slope))
            assert set(left) == set(np.argsort(-rough, kind="stable")[: len(left)])
        before = points
    assert 41 <= len(before) <= 60


def test_the_error_is_under_the_difference_and_falls() -> None:
    model, images, targets = trained()
    truth = expected()
    levels = list(refine(Prepared(model, images), images, targets, tolerance=0, budget=256))
    errors = np.stack([error(level.maps, truth) for level in levels])
    bars = np.stack([level.difference for level in levels])
    assert (errors < bars).mean() > 0.97
    assert bars[0].max() > 0.05, "the path is rough enough to tell"
    assert (bars[4::4] < bars[:-4:4]).mean() > 0.9
    assert (np.median(bars[1:], axis=1) < np.median(bars[:-1], axis=1)).mean() > 0.9
    assert np.median(errors[-1]) < np.median(errors[0]) / 8
    assert np.median(errors[-1] / bars[-1]) > 0.2, "nor is the bar far too long"
    counts = np.stack([level.evaluations for level in levels])
    assert (np.diff(counts, axis=0) >= 8).all()
    assert (counts[0] == 9).all()
    assert (counts % 2 == 1).all()
    assert 200 < counts.max() <= 256


@pytest.mark.parametrize("score", SCORES)
def test_refining_stops_at_the_tolerance_or_the_budget(score: Score) -> None:
    model, images, targets = trained()
    given: dict[str, Any] = {"score": score, "tolerance": 0.03, "budget": 60}
    levels = list(refine(Prepared(model, images), images, targets, **given))
    last = integrated_gradients(Prepared(model, images), images, targets, **given)
    np.testing.assert_array_equal(last.maps, levels[-1].maps)
    np.testing.assert_array_equal(last.converged, last.difference <= np.float32(0.03))
    assert (last.evaluations <= 60).all()
    assert (last.evaluations[~last.converged] > 44).all(), "the budget is spent before giving up"
    for level, further in itertools.pairwise(levels):
        np.testing.assert_array_equal(further.evaluations == level.evaluations, level.converged | ~_open(level, 60))
        np.testing.assert_array_equal(further.maps[level.converged], level.maps[level.converged])
    wide = integrated_gradients(Prepared(model, images), images, targets, score=score, tolerance=0.05, budget=1000)
    assert wide.converged.all()
    assert (error(wide.maps, expected(score)) < 0.05).all()


def _open(level: Explanation, budget: int) -> np.ndarray:
    return level.evaluations + np.maximum(8, (level.evaluations - 1) // 8 * 2) <= budget


def test_the_completeness_gap_closes_with_points() -> None:
    model, images, targets = trained()
    coarse, *_, fine = refine(Prepared(model, images), images, targets, tolerance=0)
    assert np.median(fine.gap) < 0.02
    assert np.median(fine.gap) < np.median(coarse.gap) / 3
    ends = [model(x)[torch.arange(6), targets] for x in (images, torch.zeros_like(images))]
    change = (ends[0] - ends[1]).numpy()
    np.testing.assert_allclose(coarse.gap, abs(coarse.maps.sum((1, 2)) - change) / abs(change), rtol=1e-3, atol=1e-5)


def densities(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    return np.stack(
        [[np.abs(m[r == k]).mean() for k in np.unique(r[r > 0])] for m, r in zip(maps, regions, strict=True)]
    )


def test_regions_settle_before_the_map() -> None:
    model, images, targets = trained()
    regions, given = halves(6), {"tolerance": 0.05, "budget": 1000}
    by_map = integrated_gradients(Prepared(model, images), images, targets, regions=regions, **given)
    early = integrated_gradients(Prepared(model, images), images, targets, regions=regions, stop_on="regions", **given)
    assert by_map.converged.all()
    assert early.converged.all()
    assert (early.region_difference <= 0.05).all()
    assert (early.evaluations <= by_map.evaluations).all()
    assert early.evaluations.sum() < by_map.evaluations.sum() / 2
    assert (early.difference > 0.05).any()
    truth = densities(expected(), regions)
    got = densities(early.maps, regions)
    assert (np.linalg.norm(got - truth, axis=1) / np.linalg.norm(truth, axis=1) < 0.05).all()
    alone = integrated_gradients(Prepared(model, images), images, targets, **given)
    np.testing.assert_array_equal(alone.maps, by_map.maps)
    assert np.isnan(alone.region_difference).all()


def test_regions_have_their_bar_from_their_own_pixels() -> None:
    """A rough path outside of every region, a straight one within, and the other way round."""
    kinks = torch.linspace(0.05, 1, 7, dtype=torch.float64)

    def formula(x: Tensor) -> Tensor:
        rough = sum(torch.relu(x[:, :, :, :1] - k) for k in kinks)
        return (rough.sum(dim=(1, 2, 3)) + x[:, :, :, 1:].sum(dim=(1, 2, 3)))[:, None]

    images = torch.ones(2, 1, 3, 4, dtype=torch.float64)
    regions = np.zeros((2, 3, 4), np.uint8)
    regions[0, :, 1:3], regions[1, :, :1] = 1, 1
    got = explained(formula, images, regions=regions, budget=9)
    assert got.region_difference[0] < 1e-12
    assert got.region_difference[1] > 0.001
    assert got.difference[0] == got.difference[1] > 0.001


def test_an_image_without_a_region_needs_no_more_points() -> None:
    model, images, targets = trained()
    regions = np.zeros((6, SIDE, SIDE), np.int64)
    got = integrated_gradients(
        Prepared(model, images), images, targets, regions=regions, stop_on="regions", tolerance=0.01
    )
    assert got.converged.all()
    assert (got.evaluations == 9).all()


@pytest.mark.parametrize("chunk", [1, 2, 5, 1000])
def test_chunks_change_rounding_only(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, images, targets = trained()
    regions = halves(6)
    expected = integrated_gradients(Prepared(model, images), images, targets, regions=regions)
    monkeypatch.setattr(network, "MOST", chunk)
    sizes: list[int] = []
    prepared = Prepared(model, images)
    prepared.body.register_forward_hook(lambda module, given, out: sizes.append(len(out)))
    same(integrated_gradients(prepared, images, targets, regions=regions), expected)
    assert max(sizes[1:]) == min(chunk, 6 * 9)
    assert sizes.count(chunk) > len(sizes) / 2 or chunk == 1000, "points of several images share a pass"


@pytest.mark.parametrize("memory", [1, 2 * 256 * SIDE * SIDE * 8 * 4])
def test_groups_change_rounding_only(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    model, images, targets = trained()
    begin, regions = 0.2 * photos(6, SIDE, SIDE), halves(6)
    given: dict[str, Any] = {"baseline": begin, "regions": regions, "stop_on": "regions", "tolerance": 0.02}
    expected = integrated_gradients(Prepared(model, images), images, targets, **given)
    module = sys.modules[integrated_gradients.__module__]
    groups: list[int] = []

    def counted(*args: Any, **kwargs: Any) -> Any:
        groups.append(len(args[1]))
        return refine(*args, **kwargs)

    monkeypatch.setattr(module, "MEMORY", memory)
    monkeypatch.setattr(module, "refine", counted)
    same(integrated_gradients(Prepared(model, images), images, targets, **given), expected)
    assert groups == ([1] * 6 if memory == 1 else [4, 2])
    same(
        integrated_gradients(Prepared(model, images), images, targets, **{**given, "baseline": begin[0]}),
        integrated_gradients(Prepared(model, images), images, targets, **{**given, "baseline": begin[:1]}),
    )


def test_batch_and_order_change_rounding_only() -> None:
    model, images, targets = trained()
    given: dict[str, Any] = {"tolerance": 0.04, "score": "log_softmax"}
    together = integrated_gradients(Prepared(model, images), images, targets, **given)
    assert len(set(together.evaluations)) > 1
    for order in ([5, 4, 3, 2, 1, 0], [2], [4, 0, 3]):
        got = integrated_gradients(Prepared(model, images), images[order], targets[order], **given)
        same(got, Explanation(**{k: v[order] for k, v in vars(together).items()}))


def same(got: Explanation, expected: Explanation) -> None:
    for name, value in vars(expected).items():
        if value is None:
            continue
        np.testing.assert_allclose(getattr(got, name), value, rtol=1e-5, atol=1e-7, err_msg=name)


def test_single_precision_gives_the_same_map() -> None:
    model, images, targets = convnet(), photos(5), TARGETS
    double = integrated_gradients(Prepared(model, images), images, targets, tolerance=0, budget=33)
    single = integrated_gradients(Prepared(model.float(), images), images.float(), targets, tolerance=0, budget=33)
    assert (error(single.maps, double.maps) < 0.02).all()
    assert single.maps.dtype == double.maps.dtype == np.float32


def test_pixels_that_the_network_treats_alike_get_the_same() -> None:
    model, images = convnet(), photos(1)
    images = images + images.flip(3)
    even = Prepared(Function(lambda x: model(x) + model(x.flip(3))).eval(), images)
    got = integrated_gradients(even, images, torch.tensor([1]), tolerance=0, budget=64).maps
    np.testing.assert_allclose(got, got[:, :, ::-1], rtol=1e-5, atol=1e-7)
    assert not np.allclose(got, got[:, ::-1], rtol=0.1)


def test_a_pixel_that_the_network_ignores_gets_nothing_and_one_that_alone_differs_gets_all() -> None:
    model, images, targets = convnet(), photos(2), torch.tensor([0, 3])
    seen = torch.ones(13, 10, dtype=torch.float64)
    seen[4:7, 2:5] = 0
    got = integrated_gradients(Prepared(Function(lambda x: model(x * seen)).eval(), images), images, targets)
    assert (got.maps[:, 4:7, 2:5] == 0).all()
    assert (got.maps[:, 8:, 6:] != 0).any()

    begin = images.clone()
    begin[:, :, 5, 3] += 2
    got = integrated_gradients(Prepared(model, images), images, targets, baseline=begin, tolerance=0, budget=1000)
    change = (model(images) - model(begin))[[0, 1], targets].detach().numpy()
    np.testing.assert_allclose(got.maps[:, 5, 3], change, rtol=1e-3)
    others = np.delete(got.maps.reshape(2, -1), 5 * 10 + 3, axis=1)
    assert (others == 0).all()


def test_a_flat_image_and_one_equal_to_its_baseline() -> None:
    model, targets = convnet(), torch.tensor([0, 1, 3])
    images = torch.cat([torch.zeros(1, 3, 13, 10), torch.full((1, 3, 13, 10), 0.7), photos(1)]).double()
    got = integrated_gradients(Prepared(model, images), images, targets)
    assert (got.maps[0] == 0).all()
    assert got.gap[0] == got.difference[0] == 0
    assert got.converged[0]
    assert got.evaluations[0] == 9
    assert np.isfinite(got.maps).all()
    assert np.isfinite(got.gap).all()
    assert got.maps[1].any()
    assert got.saliency is not None
    assert got.saliency[0].any()


def test_maps_of_one_sign() -> None:
    images = photos(2).abs()
    up = explained(lambda x: (x**3).sum(dim=(1, 2, 3))[:, None], images)
    down = explained(lambda x: -(x**3).sum(dim=(1, 2, 3))[:, None], images)
    assert (up.maps > 0).all()
    np.testing.assert_array_equal(down.maps, -up.maps)
    np.testing.assert_array_equal(down.gap, up.gap)


def test_class_zero_is_a_class() -> None:
    model, images = convnet(), photos(2)
    zero, one = (integrated_gradients(Prepared(model, images), images, np.full(2, c)).maps for c in (0, 1))
    with torch.no_grad():
        model[-1].weight[1:] = 0
    np.testing.assert_allclose(
        zero, integrated_gradients(Prepared(model, images), images, np.zeros(2, int)).maps, rtol=1e-5
    )
    assert not np.allclose(zero, one)


@pytest.mark.parametrize("size", [(1, 13, 10), (1, 9, 31), (3, 33, 7), (0, 13, 10)])
def test_maps_have_the_size_of_the_images(size: tuple[int, int, int]) -> None:
    images, targets = photos(*size), torch.arange(size[0]) % CLASSES
    regions = np.ones(size, np.uint8)
    got = integrated_gradients(Prepared(convnet(), images), images, targets, regions=regions)
    assert got.saliency is not None
    assert got.maps.shape == got.saliency.shape == size
    for value in (got.gap, got.difference, got.region_difference, got.evaluations, got.converged):
        assert value.shape == size[:1]
    if size[0]:
        assert (error(got.maps, reference(convnet(), images, targets, points=256)) < 0.1).all()


@pytest.mark.parametrize("score", SCORES)
def test_the_saliency_that_comes_along_is_saliency(score: Score) -> None:
    model, images, targets = trained()
    first, *_, last = refine(Prepared(model, images), images, targets, score=score, tolerance=0.02)
    alone = saliency(Prepared(model, images), images, targets, score)
    for level in (first, last):
        assert level.saliency is not None
        np.testing.assert_allclose(level.saliency, alone.maps, rtol=1e-6)
    np.testing.assert_allclose(alone.maps, gradient(model, images, targets, score).abs().amax(dim=1), rtol=1e-5)


def test_a_map_that_is_not_a_number_has_not_converged() -> None:
    model = convnet()
    with torch.no_grad():
        model[-1].weight.fill_(torch.nan)
    got = integrated_gradients(Prepared(model, photos(1)), photos(1), torch.tensor([0]))
    assert np.isnan(got.maps).any()
    assert got.evaluations == [9], "nothing is spent on what cannot become a number"
    assert not got.converged.any()
    assert not (got.difference <= 0.1).any()


def test_a_gap_over_no_difference_is_undefined() -> None:
    total = torch.tensor([0.5, 0.0, 0.0, 0.5], dtype=torch.float64)
    begin, end = torch.ones(4), torch.tensor([1.0, 1.0, 1 + 3e-7, 2.0])
    np.testing.assert_array_equal(completeness_gap(total, end, begin), [np.nan, 0, 0, 0.5])


def test_nothing_given_is_changed_and_no_gradient_is_left() -> None:
    model, images, targets = convnet(), photos(2), torch.tensor([0, 1])
    prepared, given, begin = Prepared(model, images), images.clone().requires_grad_(), 0.1 * photos(2)
    expected = integrated_gradients(prepared, images, targets, baseline=begin).maps
    with torch.no_grad():
        np.testing.assert_array_equal(integrated_gradients(prepared, given, targets, baseline=begin).maps, expected)
    assert given.grad is None
    assert torch.equal(given.detach(), photos(2))
    assert torch.equal(begin, 0.1 * photos(2))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "one image": ({"images": photos(1)[0]}, "N, C, H, W"),
    "one row": ({"images": photos(1)[0, 0, 0]}, "N, C, H, W"),
    "too few targets": ({"targets": np.array([0])}, "class numbers"),
    "too many targets": ({"targets": np.array([0, 1, 2])}, "class numbers"),
    "a negative target": ({"targets": np.array([0, -1])}, "class numbers"),
    "targets that are no integers": ({"targets": np.array([0.0, 1.0])}, "class numbers"),
    "a target that is no class": ({"targets": np.array([0, CLASSES])}, "below 4"),
    "no targets": ({"targets": None}, "class numbers"),
    "targets of no kind": ({"targets": ["a", "b"]}, "class numbers"),
    "an unknown score": ({"score": "odds"}, "log_softmax"),
    "a negative tolerance": ({"tolerance": -0.1}, "tolerance"),
    "a tolerance that is not a number": ({"tolerance": float("nan")}, "tolerance"),
    "a budget below the first level": ({"budget": 8}, "budget"),
    "no budget": ({"budget": 0}, "budget"),
    "stopping on no regions": ({"stop_on": "regions"}, "needs regions"),
    "stopping on something else": ({"stop_on": "parts"}, "stop_on"),
    "regions of another size": ({"regions": np.zeros((2, 5, 5), int)}, "do not fit"),
    "regions of too few images": ({"regions": np.zeros((1, 13, 10), int)}, "do not fit"),
    "a baseline of another size": ({"baseline": torch.zeros(3, 5, 5)}, "baseline"),
    "a baseline of too many images": ({"baseline": torch.zeros(3, 3, 13, 10)}, "baseline"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_refused(name: str) -> None:
    changes, message = WRONG[name]
    given: dict[str, Any] = {"images": photos(2), "targets": np.array([0, 1]), **changes}
    with pytest.raises(ValueError, match=message):
        integrated_gradients(Prepared(convnet(), photos(1)), **given)


def test_nine_points_are_a_budget_and_nothing_is_a_tolerance() -> None:
    got = integrated_gradients(Prepared(convnet(), photos(1)), photos(2), np.array([0, 1]), tolerance=0, budget=9)
    assert (got.evaluations == 9).all()
    assert not got.converged.any()


def test_arrays_and_tensors_are_as_good_as_each_other() -> None:
    model, images, targets = trained()
    begin, regions = 0.2 * photos(6, SIDE, SIDE), halves(6)
    expected = integrated_gradients(Prepared(model, images), images, targets, baseline=begin, regions=regions)
    given: dict[str, Any] = {"baseline": begin.numpy(), "regions": torch.tensor(regions)}
    same(integrated_gradients(Prepared(model, images), images, targets.numpy(), **given), expected)
    given["baseline"] = begin.clone().requires_grad_()
    same(integrated_gradients(Prepared(model, images), images, targets, **given), expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("apart", [True, False])
def test_inference_mode_changes_nothing(method: str, apart: bool) -> None:
    plain, images, targets = trained()
    model = plain if apart else nn.Sequential(Function(lambda x: x + 0), plain).eval()
    expected = explain(Prepared(model, images), images, targets, [method])[method]
    with torch.inference_mode():
        prepared = Prepared(model, images.clone())
        got = explain(prepared, images.clone(), targets.clone(), [method])[method]
    same(got, expected)


def test_images_may_change_between_two_levels() -> None:
    model, images, targets = trained()
    *_, expected = refine(Prepared(model, images), images, targets)
    given = images.clone()
    levels = refine(Prepared(model, images), given, targets)
    next(levels)
    given.zero_()
    *_, last = levels
    same(last, expected)


def test_measuring_a_pass_leaves_the_image_as_it_is() -> None:
    image = photos(1, 6, 5).contiguous(memory_format=torch.channels_last)
    prepared = Prepared(Function(lambda x: x.sum(dim=(2, 3))).eval(), image)
    assert prepared.stem is None
    prepared.chunk(image)
    assert not image.requires_grad
