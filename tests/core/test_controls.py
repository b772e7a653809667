"""What unrelated maps reach, and what the pairing promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.controls import (
    _other_class,
    area_alignment,
    area_focus,
    normalised_alignment,
    partners,
    shuffled_alignment,
    shuffled_focus,
    shuffled_similarity,
    wins,
)
from core.measures import map_similarity, rank_alignment
from core.parts import importance

N, PARTS, SIZE = 120, 12, 64


def world(log_sd: float, seed: int = 0) -> np.ndarray:
    """Part maps whose parts lie at other places in every image, with areas that vary by `log_sd`."""
    rng = np.random.default_rng(seed)
    areas = np.exp(rng.normal(0, log_sd, (N, PARTS)))
    edges = np.cumsum(areas / areas.sum(axis=1, keepdims=True) * SIZE * SIZE * 0.8, axis=1).astype(int)
    flat = np.zeros((N, SIZE * SIZE), dtype=np.uint8)
    for i in range(N):
        for part, (low, high) in enumerate(zip(np.r_[0, edges[i, :-1]], edges[i], strict=True)):
            flat[i, low:high] = part + 1
        flat[i] = np.roll(flat[i], rng.integers(SIZE * SIZE))
    return flat.reshape(N, SIZE, SIZE)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((N, SIZE, SIZE))


def by(kind: str, maps: np.ndarray, part_map: np.ndarray) -> np.ndarray:
    mass, area = importance(maps, part_map, PARTS)
    return {"mass": mass, "density": mass / area, "area": area}[kind]


LABELS = np.arange(N) % 6


@pytest.mark.parametrize(("log_sd", "reached"), [(0.1, 0.83), (0.3, 0.96), (1.0, 0.99)])
def test_noise_aligns_by_mass_through_area_and_not_by_density(log_sd: float, reached: float) -> None:
    part_map = world(log_sd)
    mass, density = ([by(kind, noise(seed), part_map) for seed in (1, 2)] for kind in ("mass", "density"))
    assert np.mean(rank_alignment(*mass)) == pytest.approx(reached, abs=0.02)
    assert abs(np.mean(rank_alignment(*density))) < 0.1
    area = by("area", noise(1), part_map)
    assert np.mean(area_alignment(mass[0], area)) > reached
    assert abs(np.mean(area_alignment(density[0], area))) < 0.1
    assert abs(np.mean(shuffled_alignment(*density, LABELS, seed=0))) < 0.05


def test_identical_maps_align_with_their_own_image_only() -> None:
    density = by("density", noise(1), world(0.3))
    np.testing.assert_allclose(rank_alignment(density, density), 1)
    assert abs(np.mean(shuffled_alignment(density, density, LABELS, seed=0))) < 0.05


def test_a_shared_bias_to_the_centre_shows_in_the_shuffle() -> None:
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    bump = np.exp(-(x**2 + y**2) / (2 * (SIZE / 4) ** 2))
    rows, columns = np.mgrid[:SIZE, :SIZE] * 4 // SIZE
    part_map = np.repeat((np.minimum(rows * 4 + columns, PARTS - 1) + 1).astype(np.uint8)[None], N, axis=0)
    a, b = (by("density", bump * noise(seed), part_map) for seed in (1, 2))
    assert np.mean(shuffled_alignment(a, b, LABELS, seed=0)) > 0.5
    unrelated = [by("density", noise(seed), part_map) for seed in (1, 2)]
    assert abs(np.mean(shuffled_alignment(*unrelated, LABELS, seed=0))) < 0.1


def test_the_same_seed_gives_the_same_shuffle() -> None:
    a, b = (by("density", noise(seed), world(0.3)) for seed in (1, 2))
    first = shuffled_alignment(a, b, LABELS, seed=3)
    np.testing.assert_array_equal(first, shuffled_alignment(a, b, LABELS, seed=3))
    assert (first != shuffled_alignment(a, b, LABELS, seed=4)).any()


def test_the_mean_over_repeats_by_hand() -> None:
    teacher = np.array([[1.0, 2, 3, 4, 5], [5, 4, 3, 2, 1]])
    student = np.array([[1.0, 2, 3, 4, 5], [1, 2, 3, 5, 4]])
    got = shuffled_alignment(teacher, student, np.array([0, 1]), seed=0, repeats=3)
    np.testing.assert_allclose(got, [-1, 0.9])


def test_parts_count_where_visible_in_both_images() -> None:
    nan = np.nan
    teacher = np.array([[1.0, 2, 3, 4, 5, 6, nan], [nan, 1, 2, 3, 4, 5, 6]])
    got = shuffled_alignment(teacher, teacher, np.array([0, 1]), seed=0)
    np.testing.assert_allclose(got, [1, 1])
    teacher[1, 5] = nan
    np.testing.assert_array_equal(shuffled_alignment(teacher, teacher, np.array([0, 1]), seed=0), [nan, nan])


@settings(max_examples=60, deadline=None)
@given(labels=st.lists(st.integers(0, 4), max_size=30), seed=st.integers(0, 1000))
def test_no_image_meets_its_own_class_where_that_is_possible(labels: list[int], seed: int) -> None:
    got = _other_class(np.array(labels, dtype=int), np.random.default_rng(seed))
    assert sorted(got) == list(range(len(labels)))
    same = sum(labels[i] == labels[j] for i, j in enumerate(got))
    largest = max((labels.count(c) for c in set(labels)), default=0)
    assert same == max(0, 2 * largest - len(labels))


def test_pairs_vary_from_draw_to_draw() -> None:
    rng = np.random.default_rng(0)
    draws = np.stack([_other_class(LABELS, rng) for _ in range(20)])
    assert min(len(set(column)) for column in draws.T) >= 12


def test_images_of_a_class_meet_those_of_every_other_class_alike() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 6
    met = np.zeros((6, 6))
    for _ in range(100):
        np.add.at(met, (labels, labels[_other_class(labels, rng)]), 1)
    apart = met[~np.eye(6, dtype=bool)]
    assert abs(apart / 400 - 1).max() < 0.2  # whole classes that meet as one would differ by .5 and more
    assert met.trace() == 0


def test_with_one_class_there_is_no_shuffle() -> None:
    density = by("density", noise(1), world(0.3))
    assert np.isnan(shuffled_alignment(density, density, np.zeros(N), seed=0)).all()


def test_with_a_class_too_large_every_image_still_meets_another() -> None:
    density = by("density", noise(1), world(0.3))
    assert np.isfinite(shuffled_alignment(density, density, (np.arange(N) % 4 == 0).astype(int), seed=0)).all()


def test_labels_must_fit() -> None:
    with pytest.raises(ValueError, match="labels"):
        shuffled_alignment(np.ones((3, 6)), np.ones((3, 6)), np.zeros(2), seed=0)


def test_area_alignment_leaves_hidden_parts_out() -> None:
    area = np.array([[1.0, 2, 3, 4, 5, np.nan]])
    np.testing.assert_allclose(area_alignment(np.array([[2.0, 4, 6, 8, 10, np.nan]]), area), [1])


def test_focus_of_another_image_by_hand() -> None:
    """Two images of two classes: each meets the other's most important parts."""
    teacher = np.array([[9.0, 8, 1, 1], [1, 1, 8, 9]])
    mass = np.array([[4.0, 3, 2, 1], [1, 2, 3, 4]])
    got = shuffled_focus(teacher, mass, mass.sum(1), np.array([0, 1]), k=2, seed=0)
    np.testing.assert_allclose(got, [0.3, 0.3])


def test_focus_of_noise_is_what_chance_gives_and_of_a_shared_bias_more() -> None:
    part_map = world(0.3)
    own, other = (by("mass", noise(seed), part_map) for seed in (1, 2))
    teacher = by("density", noise(3), part_map)
    area, total = by("area", noise(1), part_map), noise(1).sum((1, 2))
    by_chance = shuffled_focus(teacher, own, total, LABELS, 5, seed=0).mean()
    assert by_chance == pytest.approx(area_focus(teacher, area, np.full(N, SIZE * SIZE), 5).mean(), abs=0.03)
    # A teacher that always prefers the same parts: another image's are as good as one's own.
    fond = own * np.where(np.arange(PARTS) < 5, 5.0, 1.0)
    habit = np.broadcast_to(np.arange(PARTS)[::-1], teacher.shape) + 0.0
    whole = np.nansum(fond, axis=1)
    same = shuffled_focus(habit, fond, whole, LABELS, 5, seed=0)
    np.testing.assert_allclose(same, np.nansum(fond[:, :5], axis=1) / whole)
    assert same.mean() > 0.7
    assert not np.allclose(own, other)


def test_focus_by_area_when_parts_are_very_unequal() -> None:
    area = np.array([[100.0, 10, 10, 10, 10, 10, 10]])
    teacher = np.array([[7.0, 6, 5, 4, 3, 2, 1]])
    np.testing.assert_allclose(area_focus(teacher, area, area.sum(1), 5), [140 / 160])
    np.testing.assert_allclose(area_focus(-teacher, area, area.sum(1), 5), [50 / 160])


def test_wins_ties_and_the_undefined() -> None:
    got = wins(np.array([0.9, 0.1, 0.5, np.nan, 0.5]), np.array([0.2, 0.3, 0.5, 0.1, np.nan]))
    np.testing.assert_array_equal(got, [1, 0, 0.5, np.nan, np.nan])


def test_unrelated_students_win_half_of_the_images() -> None:
    """Two students that look at random: neither is nearer the teacher."""
    teacher, one, other = (noise(seed) for seed in (1, 2, 3))
    rate = wins(map_similarity(teacher, one), map_similarity(teacher, other)).mean()
    assert abs(rate - 0.5) < 0.12
    nearer = 0.5 * teacher + 0.5 * one
    assert wins(map_similarity(teacher, nearer), map_similarity(teacher, other)).mean() == 1


def test_maps_that_share_a_centre_are_similar_on_any_image() -> None:
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    bump = np.exp(-(x**2 + y**2) / (2 * (SIZE / 6) ** 2))
    others = partners(LABELS, seed=0)
    assert others.shape == (20, N)
    assert (LABELS[others] != LABELS).all()
    spots = np.eye(N, SIZE * SIZE).reshape(N, SIZE, SIZE)
    assert map_similarity(spots, spots).mean() == 1
    assert shuffled_similarity(spots, spots, others).max() == 0, "each lies elsewhere"
    centred = [bump * noise(seed) for seed in (1, 2)]
    chance = shuffled_similarity(*centred, others)
    np.testing.assert_allclose(chance.mean(), map_similarity(*centred).mean(), atol=0.01)
    by_hand = np.mean([map_similarity(centred[0][row], centred[1]) for row in others], axis=0)
    np.testing.assert_allclose(chance, by_hand)
    np.testing.assert_array_equal(shuffled_similarity(centred[0], centred[1][:5], others[:, :5]), chance[:5])


def test_images_without_another_class_have_no_partner() -> None:
    np.testing.assert_array_equal(partners(np.zeros(3, int), seed=0, repeats=2), np.full((2, 3), -1))
    maps = noise(1)[:3]
    assert np.isnan(shuffled_similarity(maps, maps, np.full((2, 3), -1))).all()


def test_between_chance_and_a_second_teacher() -> None:
    rng = np.random.default_rng(0)
    chance, again = 0.1 + 0.01 * rng.random(5), 0.9 + 0.01 * rng.random(5)
    halfway = normalised_alignment((chance + again) / 2, chance, again, chance)
    assert halfway is not None
    assert halfway.value == pytest.approx(0.5)
    assert halfway.low < 0.5 < halfway.high
    beyond = normalised_alignment(again + 0.3, chance, again, chance)
    assert beyond is not None
    assert beyond.value > 1.3, "never clipped"


def test_no_scale_where_a_second_teacher_is_no_better_than_chance() -> None:
    rng = np.random.default_rng(1)
    chance, again = 0.1 + rng.normal(0, 0.1, 5), 0.1 + rng.normal(0, 0.1, 5)
    assert normalised_alignment(chance, chance, again, chance) is None
    assert normalised_alignment(*(np.array([0.5]),) * 4) is None, "one seed: there is no second teacher"


def test_seeds_without_a_second_teacher_are_left_out_and_counted() -> None:
    student, chance = np.array([0.5, 0.6, 0.7]), np.array([0.1, 0.1, 0.1])
    got = normalised_alignment(student, chance, np.array([np.nan, 0.90, 0.92]), chance)
    assert got is not None
    assert (got.n, got.skipped) == (2, 1)
