"""Every measure by hand, against SciPy, and where it is undefined."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special, stats
from scipy.spatial import distance
from scipy.stats import spearmanr

from core import measures as m
from core.measures import (
    MEASURES,
    accuracy,
    enrichment,
    focus,
    focus_from_mass,
    focus_ratio,
    logit_alignment,
    part_area,
    part_density,
    part_mass,
    rank_alignment,
    top1_agreement,
    top_parts,
)
from core.parts import masks

NAN = np.nan
rng = np.random.default_rng(0)


def scene(n: int = 6, count: int = 9, height: int = 20, width: int = 13) -> tuple[np.ndarray, np.ndarray]:
    """Maps and masks, in which image 0 shows every part and others hide some."""
    part_map = rng.integers(0, count + 1, (n, height, width))
    for i in range(1, n):
        part_map[i][part_map[i] == i] = 0
    return rng.random((n, height, width)).astype(np.float32), masks(part_map, count)


def spearman_by_row(a: np.ndarray, b: np.ndarray, min_parts: int) -> np.ndarray:
    out = np.full(len(a), NAN)
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        both = ~np.isnan(x) & ~np.isnan(y)
        if both.sum() >= min_parts and np.ptp(x[both]) > 0 and np.ptp(y[both]) > 0:
            out[i] = spearmanr(x[both], y[both]).statistic
    return out


def test_density_by_hand() -> None:
    maps = np.array([[[1.0, 2.0, 6.0]]])
    parts = masks(np.array([[[1, 1, 3]]]), 3)
    np.testing.assert_array_equal(part_mass(maps, parts), [[3, NAN, 6]])
    np.testing.assert_array_equal(part_area(parts), [[2, NAN, 1]])
    np.testing.assert_array_equal(part_density(maps, parts), [[1.5, NAN, 6]])


def test_top_parts_leave_ties_in_part_order_and_hidden_parts_out() -> None:
    got = top_parts(np.array([[1, 5, NAN, 5, 5], [2, 1, 0, 4, 3], [1, NAN, 2, NAN, NAN], [0, 0, 0, NAN, 0]]), k=2)
    expected = [[0, 1, 0, 1, 0], [0, 0, 0, 1, 1], [0] * 5, [0] * 5]
    np.testing.assert_array_equal(got, np.array(expected, dtype=bool))
    with pytest.raises(ValueError, match="k ≥ 1"):
        top_parts(np.ones((2, 3)), k=0)


def test_focus_by_hand() -> None:
    maps = np.array([[[4.0, 3.0, 2.0, 1.0]]])
    parts = masks(np.array([[[1, 2, 3, 0]]]), 3)
    teacher = np.array([[1.0, 9.0, 5.0]])
    np.testing.assert_allclose(focus(maps, parts, teacher, k=2), [0.5])
    np.testing.assert_allclose(focus(maps, parts, teacher, k=2, outside="parts"), [5 / 9])
    np.testing.assert_allclose(enrichment(maps, parts, teacher, k=2), [0.5 / 0.5])
    np.testing.assert_allclose(enrichment(maps, parts, teacher, k=2, outside="parts"), [(5 / 9) / (2 / 3)])
    np.testing.assert_allclose(focus_ratio(np.array([0.5, 0.8, 0.0, NAN, 1.0])), [1, 4, 0, NAN, NAN])
    with pytest.raises(ValueError, match="outside"):
        focus(maps, parts, teacher, k=2, outside="object")


def test_focus_from_kept_numbers_equals_focus_from_maps() -> None:
    maps, parts = scene()
    teacher = np.where(parts.any(axis=(2, 3)), rng.random((6, 9)), NAN)
    mass, area = part_mass(maps, parts), part_area(parts)
    total, pixels = maps.sum(axis=(1, 2), dtype=np.float64), np.full(6, 260.0)
    for k in (1, 5):
        kept = focus_from_mass(mass, total, teacher, k)
        np.testing.assert_array_equal(kept, focus(maps, parts, teacher, k))
        by_area = focus_from_mass(area, pixels, teacher, k)
        np.testing.assert_allclose(kept / by_area, enrichment(maps, parts, teacher, k))
        inside = focus_from_mass(mass, np.nansum(mass, axis=1), teacher, k)
        np.testing.assert_allclose(inside, focus(maps, parts, teacher, k, outside="parts"))
        assert (inside > kept).all()


def test_focus_is_undefined_for_flat_maps_and_few_parts() -> None:
    maps, parts = scene()
    teacher = part_density(maps, parts)
    maps[2] = 0
    teacher[3] = np.where(np.isnan(teacher[3]), NAN, 0)
    teacher[4, :4] = NAN
    for outside in ("image", "parts"):
        for measure in (focus, enrichment):
            got = measure(maps, parts, teacher, 5, outside)
            np.testing.assert_array_equal(np.isnan(got), [False, False, True, True, True, False])


def test_a_part_hidden_by_its_mask_counts_as_hidden_whatever_the_teacher_says() -> None:
    maps, parts = scene(2, 6)
    teacher = np.array([[6.0, 5, 4, 3, 2, 1]] * 2)
    parts[0, 0] = False
    np.testing.assert_array_equal(np.isnan(focus(maps, parts, teacher)), [True, True])
    expected = maps[0][parts[0, 1:5].any(axis=0)].sum(dtype=np.float64) / maps[0].sum(dtype=np.float64)
    np.testing.assert_allclose(focus(maps, parts, teacher, k=4)[0], expected)


@settings(max_examples=30, deadline=None)
@given(
    maps=hnp.arrays(np.float32, (3, 5, 7), elements=st.floats(0, 1e6, width=32)),
    part_map=hnp.arrays(np.uint8, (3, 5, 7), elements=st.integers(0, 4)),
    scale=st.floats(0.01, 100),
)
def test_focus_is_a_share_and_knows_no_unit(maps: np.ndarray, part_map: np.ndarray, scale: float) -> None:
    parts = masks(part_map, 4)
    teacher = np.where(parts.any(axis=(2, 3)), [[3.0, 1.0, 4.0, 2.0]], NAN)
    for outside in ("image", "parts"):
        got = focus(maps, parts, teacher, 2, outside)
        assert ((got >= 0) & (got <= 1) | np.isnan(got)).all()
        np.testing.assert_allclose(focus(maps * np.float64(scale), parts, teacher, 2, outside), got, rtol=1e-9)


def test_a_map_that_is_the_same_everywhere_is_not_enriched() -> None:
    _, parts = scene()
    teacher = np.where(parts.any(axis=(2, 3)), rng.random((6, 9)), NAN)
    for outside in ("image", "parts"):
        np.testing.assert_allclose(enrichment(np.full((6, 20, 13), 0.2), parts, teacher, 5, outside), 1)


def test_mass_and_total_of_other_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="not of the same maps"):
        focus_from_mass(np.ones((1, 6)), np.array([2.0]), np.arange(6.0)[None])


@pytest.mark.parametrize("levels", [3, 1000])
def test_rank_alignment_equals_scipy(levels: int) -> None:
    a, b = rng.integers(0, levels, (2, 400, 15)) / 7
    a[rng.random(a.shape) < 0.3] = NAN
    b[rng.random(b.shape) < 0.2] = NAN
    a[0], b[1], a[2] = 1.0, NAN, -np.arange(15)
    got, expected = rank_alignment(a, b), spearman_by_row(a, b, 5)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    assert np.isnan(got[:2]).all()
    assert 0 < np.isnan(got).sum() < 400


@settings(max_examples=40, deadline=None)
@given(
    a=hnp.arrays(float, (2, 6), elements=st.sampled_from([0, 1, 2.5, -1, 1e-300, 1e300, np.inf, NAN])),
    b=hnp.arrays(float, (2, 6), elements=st.sampled_from([0, 1, 2, 3, NAN])),
)
def test_rank_alignment_is_bounded_symmetric_and_turns_with_sign(a: np.ndarray, b: np.ndarray) -> None:
    rho = rank_alignment(a, b, 3)
    assert ((np.abs(rho) <= 1) | np.isnan(rho)).all()
    np.testing.assert_allclose(rank_alignment(b, a, 3), rho, atol=1e-12)
    np.testing.assert_allclose(rank_alignment(-a, b, 3), -rho, atol=1e-12)
    np.testing.assert_allclose(rank_alignment(a, a, 3)[~np.isnan(rho)], 1)


def test_undefined_rank_alignment_is_nan_never_zero() -> None:
    x = np.arange(6.0)
    few = np.array([0, 1, 2, 3, NAN, NAN])
    got = rank_alignment(np.stack([x, x, few, x]), np.stack([x, np.ones(6), x, -x]))
    np.testing.assert_allclose(got, [1, NAN, NAN, -1])
    np.testing.assert_allclose(rank_alignment(few[None], x[None], min_parts=4), [1])
    with pytest.raises(ValueError, match="one shape"):
        rank_alignment(np.ones((2, 5)), np.ones((2, 6)))


def test_rank_alignment_of_a_study_takes_no_time() -> None:
    a, b = rng.random((2, 300, 15))
    rank_alignment(a, b)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        rank_alignment(a, b)
        best = min(best, time.perf_counter() - start)
    assert best < 0.05


def test_logit_alignment() -> None:
    a, b = rng.normal(size=(2, 50, 12)).astype(np.float16)
    np.testing.assert_allclose(logit_alignment(a, b), spearman_by_row(a, b, 2), atol=1e-12)
    two = logit_alignment(np.array([[1, 2], [2, 1], [1, 1]]), np.array([[0, 9], [0, 9], [0, 9]]))
    np.testing.assert_allclose(two, [1, -1, NAN])
    a[0, 3] = NAN
    assert np.isnan(logit_alignment(a, b)[0])


def test_accuracy_and_agreement_count_class_zero() -> None:
    logits = np.array([[3, 1, 2], [0, 5, 1], [1, 0, 2], [NAN, 1, 2]], dtype=np.float16)
    np.testing.assert_array_equal(accuracy(logits, np.array([0, 0, 2, 2])), [1, 0, 1, NAN])
    other = np.array([[9, 1, 2], [9, 5, 1], [1, 0, 2], [0, 1, 2]])
    np.testing.assert_array_equal(top1_agreement(logits, other), [1, 0, 1, NAN])
    np.testing.assert_array_equal(top1_agreement(other, logits), [1, 0, 1, NAN])


def test_measures_are_declared() -> None:
    names = "accuracy logit_alignment rank_alignment focus focus_ratio enrichment top1_agreement top5_agreement kl"
    assert set(MEASURES) == {*names.split(), "map_similarity", "win_rate"}
    for name, measure in MEASURES.items():
        assert measure.name == name
        assert measure.range[0] < measure.range[1]
        assert measure.sentence.endswith((".", ")"))
    figures = {m.poster_figure: name for name, m in MEASURES.items() if m.poster_figure}
    assert figures == {1: "accuracy", 2: "rank_alignment", 3: "focus_ratio", 4: "logit_alignment"}


def test_top5_agreement_counts_what_both_have() -> None:
    teacher = np.array([[9.0, 8, 7, 6, 5, 4, 3], [9, 8, 7, 6, 5, 4, 3], [np.nan, 1, 2, 3, 4, 5, 6]])
    student = np.array([[5.0, 6, 7, 8, 9, 1, 0], [0, 0, 7, 8, 9, 10, 11], [6, 1, 2, 3, 4, 5, 0]])
    np.testing.assert_array_equal(m.top5_agreement(teacher, student), [1, 0.6, np.nan])
    assert np.isnan(m.top5_agreement(teacher[:, :5], student[:, :5])).all(), "five of five say nothing"


def test_kl_is_scipys() -> None:
    teacher, student = np.random.default_rng(0).normal(0, 3, (2, 20, 7))
    want = [stats.entropy(special.softmax(t), special.softmax(s)) for t, s in zip(teacher, student, strict=True)]
    np.testing.assert_allclose(m.kl(teacher, student), want)
    np.testing.assert_allclose(m.kl(teacher, teacher + 5), 0, atol=1e-12)
    huge = np.array([[1e4, 0.0], [np.nan, 0]])
    np.testing.assert_allclose(m.kl(huge, -huge), [1e4, np.nan])


def test_map_similarity_is_the_cosine() -> None:
    a, b = np.random.default_rng(0).random((2, 5, 6, 7)).astype(np.float32)
    want = [1 - distance.cosine(x.ravel().astype(float), y.ravel().astype(float)) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(m.map_similarity(a, b), want)
    np.testing.assert_allclose(m.map_similarity(a, 3 * a), 1)
    apart = np.zeros((1, 2, 2)), np.zeros((1, 2, 2))
    assert np.isnan(m.map_similarity(*apart)).all(), "a flat map is like nothing"
    apart[0][0, 0, 0] = apart[1][0, 1, 1] = 1
    assert m.map_similarity(*apart)[0] == 0
