"""Samples of many images are those of few, kept in less memory."""

import numpy as np
import pytest

from core import samples
from core.estimates import bootstrap_means, how_often, means_over_images, resamples

LABELS = np.repeat([0, 1, 2], [40, 2, 300])[np.random.default_rng(0).permutation(342)]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, samples.Samples]:
    """As if 342 images were many, in blocks of 7 samples, and classes drawn in parts."""
    monkeypatch.setattr(samples, "MANY", 100)
    monkeypatch.setattr(samples, "BLOCK", 7 * len(LABELS))
    drawn, often = samples.samples(LABELS, 500)
    assert isinstance(often, samples.Samples)
    return drawn, often


def test_they_are_drawn_and_weighed_alike(few: tuple[np.ndarray, samples.Samples]) -> None:
    drawn, often = few
    want = resamples(LABELS, 500)
    assert np.array_equal(drawn, want[: samples.DRAWN])
    blocks = list(often)
    assert max(map(len, blocks)) == 7
    assert np.array_equal(np.concatenate(blocks), how_often(LABELS, want)), "to the last bit"


def test_means_are_the_same(few: tuple[np.ndarray, samples.Samples]) -> None:
    values = np.random.default_rng(1).random((5, len(LABELS)))
    values[values < 0.1] = np.nan
    whole = how_often(LABELS, resamples(LABELS, 500))
    np.testing.assert_allclose(bootstrap_means(values, few[1]), bootstrap_means(values, whole), rtol=1e-13)
    for got, want in zip(means_over_images(values, few[1]), means_over_images(values, whole), strict=True):
        assert got == pytest.approx(want, rel=1e-12)


def test_few_images_are_one_array() -> None:
    drawn, often = samples.samples(LABELS, 50)
    assert np.array_equal(drawn, resamples(LABELS, 50))
    assert np.array_equal(often, how_often(LABELS, drawn))  # type: ignore[arg-type]
