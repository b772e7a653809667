"""The two ways to a part's number agree, and hidden parts have none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.measures import part_area, part_density, part_mass
from core.parts import importance, masks

PART_MAP = np.array([[[0, 1, 1], [3, 3, 0]], [[2, 2, 2], [2, 2, 2]]], dtype=np.uint8)
MAPS = np.arange(12, dtype=np.float32).reshape(2, 2, 3)


def test_masks_by_hand() -> None:
    got = masks(PART_MAP, 4)
    assert got.shape == (2, 4, 2, 3)
    assert got.dtype == bool
    np.testing.assert_array_equal(got[0, 0], [[False, True, True], [False, False, False]])
    np.testing.assert_array_equal(got.sum(axis=(2, 3)), [[2, 0, 2, 0], [0, 6, 0, 0]])
    assert (got.sum(axis=1) <= 1).all()
    np.testing.assert_array_equal(masks(PART_MAP[0], 4), got[:1])


def test_importance_by_hand() -> None:
    mass, area = importance(MAPS, PART_MAP, 4)
    nan = np.nan
    np.testing.assert_array_equal(mass, [[3, nan, 7, nan], [nan, 51, nan, nan]])
    np.testing.assert_array_equal(area, [[2, nan, 2, nan], [nan, 6, nan, nan]])
    np.testing.assert_array_equal(importance(MAPS[0], PART_MAP[0], 4)[0], mass[:1])


@settings(max_examples=40, deadline=None)
@given(
    part_map=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=7), elements=st.integers(0, 5)),
    data=st.data(),
)
def test_importance_equals_masks(part_map: np.ndarray, data: st.DataObject) -> None:
    maps = data.draw(hnp.arrays(np.float32, part_map.shape, elements=st.floats(0, 100, width=32)))
    mass, area = importance(maps, part_map, 5)
    spread = masks(part_map, 5)
    np.testing.assert_allclose(mass, part_mass(maps, spread), rtol=1e-12)
    np.testing.assert_array_equal(area, part_area(spread))
    np.testing.assert_allclose(mass / area, part_density(maps, spread), rtol=1e-12)
    np.testing.assert_array_equal(np.isnan(mass), ~spread.any(axis=(2, 3)))


def test_a_flat_map_on_a_visible_part_is_zero_not_nan() -> None:
    mass, _ = importance(np.zeros((1, 2, 3)), PART_MAP[:1], 3)
    np.testing.assert_array_equal(mass, [[0, np.nan, 0]])


def test_small_floats_are_summed_in_double() -> None:
    mass, _ = importance(np.full((1, 300, 300), 0.1, dtype=np.float16), np.ones((1, 300, 300), dtype=np.uint8), 1)
    np.testing.assert_allclose(mass, 90_000 * float(np.float16(0.1)), rtol=1e-12)


def test_wrong_shapes_signs_and_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="holds 0 to 2, not 0 to 3"):
        masks(PART_MAP, 2)
    with pytest.raises(ValueError, match="integers"):
        masks(PART_MAP.astype(float), 4)
    with pytest.raises(ValueError, match="differ in shape"):
        importance(MAPS.transpose(0, 2, 1), PART_MAP, 4)
    with pytest.raises(ValueError, match="never negative"):
        importance(-MAPS, PART_MAP, 4)
    with pytest.raises(ValueError, match="never negative"):
        part_mass(-MAPS, masks(PART_MAP, 4))
    with pytest.raises(ValueError, match="do not fit"):
        part_mass(MAPS.transpose(0, 2, 1), masks(PART_MAP, 4))
    with pytest.raises(ValueError, match="bool"):
        part_area(masks(PART_MAP, 4).astype(np.uint8))


def test_overlapping_masks_are_refused() -> None:
    overlapping = masks(PART_MAP, 4)
    overlapping[0, 1, 0, 1] = True
    with pytest.raises(ValueError, match="overlap"):
        part_mass(MAPS, overlapping)
