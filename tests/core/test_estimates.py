import warnings

import numpy as np
import pytest
from scipy import stats

from core.estimates import (
    Estimate,
    bootstrap_means,
    how_often,
    interval,
    known_mean,
    mean_over_images,
    mean_over_seeds,
    partial_spearman,
    ratio_over_seeds,
    resamples,
    spearman,
    strata,
)
from core.findings import verdict

RNG = np.random.default_rng(0)
LABELS = np.repeat([3, 0, 7], [20, 30, 50])


def samples(labels: np.ndarray, count: int = 1000) -> np.ndarray:
    return how_often(labels, resamples(labels, count))


@pytest.mark.parametrize("count", [2, 3, 5, 30])
@pytest.mark.parametrize("level", [0.95, 1 - 0.05 / 3])
def test_over_seeds_it_is_students_t(count: int, level: float) -> None:
    values = RNG.normal(3, 2, count)
    want = stats.ttest_1samp(values, 0).confidence_interval(level)
    got = mean_over_seeds(values, level)
    assert (got.value, got.low, got.high) == pytest.approx((values.mean(), want.low, want.high))
    assert (got.n, got.skipped) == (count, 0)


def test_three_seeds_by_hand() -> None:
    """1, 2, 3: sd 1, standard error 1/√3, t(2) = 4.3027."""
    got = mean_over_seeds(np.array([1.0, 2, 3]))
    assert got.value == 2
    assert got.high - got.value == pytest.approx(4.30265273 / np.sqrt(3))


def test_undefined_seeds_are_left_out_and_counted() -> None:
    values = np.array([1.0, np.nan, 2, 4, np.nan])
    assert mean_over_seeds(values) == mean_over_seeds(np.array([1.0, 2, 4]))._replace(skipped=2)
    one = mean_over_seeds(np.array([np.nan, 0.5]))
    assert (one.value, one.n, one.skipped) == (0.5, 1, 1)
    assert np.isnan([one.low, one.high]).all(), "one seed says nothing of the spread"
    none = mean_over_seeds(np.array([np.nan, np.nan]))
    assert np.isnan(none[:3]).all()
    assert none[3:] == (0, 2)


@pytest.mark.parametrize("values", [[0.25, 0.25], [0.1 + 0.2, 0.3], [1.0, 1.0, 1.0]])
def test_seeds_that_do_not_differ_settle_nothing(values: list[float]) -> None:
    """Of two trainings with as many right answers no interval of a width of nothing follows, nor a verdict."""
    got = mean_over_seeds(np.array(values))
    assert got.value == pytest.approx(values[0])
    assert np.isnan([got.low, got.high]).all()
    assert verdict(got.low, got.high) == "not settled"


def test_the_t_interval_covers_what_it_promises() -> None:
    hits = [e.low <= 1 <= e.high for e in (mean_over_seeds(RNG.normal(1, 3, 3)) for _ in range(2000))]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.015)


def test_a_sample_holds_every_class_as_often_as_the_data() -> None:
    labels = RNG.permutation(LABELS)
    drawn = resamples(labels, 40)
    assert drawn.shape == (40, 97), "one less of every class"
    often = how_often(labels, drawn)
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        np.testing.assert_allclose(often[:, labels == label].sum(1), count)
        assert ((labels[drawn] == label).sum(1) == count - 1).all()
    assert (np.array([len(set(sample)) for sample in drawn]) < 75).all(), "with replacement"
    alone = how_often(np.array([0, 0, 1]), resamples(np.array([0, 0, 1]), 20))
    assert (alone[:, 2] == 1).all(), "the only image of its class is in every sample"
    assert set(drawn.ravel()) == set(range(100)), "no image is out of reach"
    assert len(np.unique(drawn, axis=0)) == 40


def test_samples_are_the_same_every_time() -> None:
    assert np.array_equal(resamples(LABELS, 5), resamples(LABELS, 5))
    assert not np.array_equal(resamples(LABELS, 5), resamples(LABELS, 5, seed=1))


def test_over_images_it_is_the_percentile_bootstrap() -> None:
    values = RNG.exponential(size=60)
    got = mean_over_images(values, samples(np.zeros(60), 4000))
    want = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    width = want.high - want.low
    assert got.value == pytest.approx(values.mean())
    assert got.low == pytest.approx(want.low, abs=0.06 * width)
    assert got.high == pytest.approx(want.high, abs=0.06 * width)
    wider = mean_over_images(values, samples(np.zeros(60), 4000), 0.99)
    assert wider.low < got.low < got.high < wider.high


def test_what_differs_between_classes_only_is_no_uncertainty() -> None:
    values = LABELS.astype(float)
    got = mean_over_images(values, samples(LABELS))
    assert got == pytest.approx(Estimate(values.mean(), values.mean(), values.mean(), 100, 0))
    unaware = mean_over_images(values, samples(np.zeros(100)))
    assert unaware.high - unaware.low > 0.5


def test_classes_of_one_image_vary_as_one_class_does() -> None:
    values = RNG.normal(size=400)
    alone = mean_over_images(values, samples(strata(np.arange(400))))
    want = 2 * 1.96 * values.std() / 20
    assert alone.high - alone.low == pytest.approx(want, rel=0.1), "and not 0"
    assert np.array_equal(np.unique(strata(LABELS), return_inverse=True)[1], np.unique(LABELS, return_inverse=True)[1])
    assert np.array_equal(resamples(strata(LABELS)), resamples(LABELS)), "to the last draw"
    mixed = strata(np.array([9, 4, 4, 7, 2, 2]))
    assert mixed[0] == mixed[3] != mixed[1] == mixed[2] != mixed[4]


def test_undefined_images_are_left_out_and_counted() -> None:
    values = RNG.normal(size=100)
    values[::4] = np.nan
    drawn = resamples(LABELS, 50)
    got = mean_over_images(values, how_often(LABELS, drawn))
    assert (got.n, got.skipped) == (75, 25)
    assert got.value == pytest.approx(np.nanmean(values))
    assert got.low < got.value < got.high
    weight = np.array([n / (n - 1) for n in (20, 30, 50)]).repeat([20, 30, 50])
    known = [sample[~np.isnan(values[sample])] for sample in drawn]
    want = [np.average(values[sample], weights=weight[sample]) for sample in known]
    np.testing.assert_allclose(bootstrap_means(values[None], how_often(LABELS, drawn)), [want])


def test_nothing_known_is_nan_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = mean_over_images(np.full(100, np.nan), samples(LABELS, 10))
        assert np.isnan(got[:3]).all()
        assert got[3:] == (0, 100)
        assert np.isnan(interval(np.array([np.nan]))).all()
        alone = np.full(100, np.nan)
        alone[0] = 1.0  # missing from most samples
        assert mean_over_images(alone, samples(LABELS, 10))[:4] == (1, 1, 1, 1)


def test_the_mean_of_what_is_known() -> None:
    nan = np.nan
    values = np.array([[1.0, nan, 3], [nan, nan, nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert known_mean(values) == 2
        np.testing.assert_array_equal(known_mean(values, 1), [2, nan])
        np.testing.assert_array_equal(known_mean(values, 0), [1, nan, 3])


def test_spearman_is_scipys_row_by_row() -> None:
    a, b = RNG.integers(0, 6, (2, 50, 12)).astype(float)  # many ties
    a[RNG.random(a.shape) < 0.1] = np.nan
    got = spearman(a, b)
    for row, x, y in zip(got, a, b, strict=True):
        both = ~np.isnan(x)
        assert row == pytest.approx(stats.spearmanr(x[both], y[both]).statistic)


def test_spearman_of_too_little_is_undefined() -> None:
    nan = np.nan
    a = np.array([[1.0, 2, nan, nan], [1, 1, 1, 1], [1, 2, 3, nan], [nan] * 4])
    b = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [3, 2, 1, 0], [1, 2, 3, 4]])
    np.testing.assert_array_equal(spearman(a, b), [nan, nan, -1, nan])


def residual_correlation(a: np.ndarray, b: np.ndarray, fixed: np.ndarray) -> float:
    """Partial rank correlation as textbooks define it: of the residuals of ranks, regressed on the ranks held fixed."""
    ranks = [stats.rankdata(x) for x in (a, b, fixed)]
    line = np.column_stack([np.ones(len(fixed)), ranks[2]])
    rest = [r - line @ np.linalg.lstsq(line, r, rcond=None)[0] for r in ranks[:2]]
    return float(np.corrcoef(*rest)[0, 1])


def test_partial_spearman_is_the_correlation_of_residuals() -> None:
    fixed = RNG.normal(size=(20, 30))
    a, b = fixed + RNG.normal(size=(20, 30)), fixed**3 + RNG.normal(size=(20, 30))
    fixed[:10] = fixed[:10] > 0  # right and wrong
    got = partial_spearman(a, b, fixed)
    np.testing.assert_allclose(got, [residual_correlation(*row) for row in zip(a, b, fixed, strict=True)])
    assert (np.abs(got) < np.abs(spearman(a, b))).mean() > 0.7, "what they share through it is gone"


def test_partial_spearman_leaves_the_same_images_out_everywhere() -> None:
    a, b, fixed = RNG.normal(size=(3, 1, 40))
    holes = [a, b, fixed]
    for i, x in enumerate(holes):
        x[0, 5 * i : 5 * i + 3] = np.nan
    known = ~np.isnan(a + b + fixed)[0]
    want = residual_correlation(a[0, known], b[0, known], fixed[0, known])
    assert partial_spearman(a, b, fixed)[0] == pytest.approx(want)


def test_partial_spearman_at_its_edges() -> None:
    a = np.arange(6.0)[None]
    b = np.array([[1.0, 0, 2, 3, 5, 4]])
    assert partial_spearman(a, b, np.ones((1, 6))) == pytest.approx(spearman(a, b)), "nothing to hold fixed"
    assert np.isnan(partial_spearman(a, b, 2 * a)), "it decides a"
    assert np.isnan(partial_spearman(a, b, -b)), "it decides b"
    assert np.isnan(partial_spearman(np.ones((1, 6)), b, a)), "a is constant"


def test_how_often_counts_positions() -> None:
    want = np.array([[1, 0, 2, 0], [1, 2, 0, 0]]) * 4 / 3
    np.testing.assert_allclose(how_often(np.zeros(4), np.array([[0, 2, 2], [1, 1, 0]])), want)


@pytest.mark.parametrize("level", [0.95, 0.99])
def test_a_ratio_is_all_that_students_t_does_not_reject(level: float) -> None:
    over, under = RNG.normal(3, 1, 6), RNG.normal(5, 1, 6)
    got = ratio_over_seeds(over, under, level)
    assert got.value == pytest.approx(over.mean() / under.mean())
    for edge in (got.low, got.high):
        assert stats.ttest_1samp(over - edge * under, 0).pvalue == pytest.approx(1 - level, abs=1e-6)
    assert stats.ttest_1samp(over - got.value * under, 0).pvalue == pytest.approx(1)


def test_a_ratio_to_what_may_be_nothing_has_no_interval() -> None:
    got = ratio_over_seeds(np.array([1.0, 2, 3]), np.array([-1.0, 0.5, 1]))
    assert np.isnan([got.low, got.high]).all()


def test_the_interval_of_a_ratio_covers_what_it_promises() -> None:
    def hit() -> bool:
        shared = RNG.normal(0, 1, 5)
        got = ratio_over_seeds(2 + shared + RNG.normal(0, 0.5, 5), 8 + shared, 0.95)
        return got.low <= 0.25 <= got.high

    assert np.mean([hit() for _ in range(2000)]) == pytest.approx(0.95, abs=0.015)
