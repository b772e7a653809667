"""On measures made by hand, whose means and differences are known."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.cells import Cell, grid
from core.estimates import mean_over_images, resamples
from core.summarise import COLUMNS, load_values, summarise
from tests.made import EXPLAINED, IG, KEYS, LABELS, SKILL, TEST, Made, Value, known, noise


def rows(table: pd.DataFrame, kind: str, measure: str = "rank_alignment", **more: Any) -> pd.DataFrame:
    found = table[(table["kind"] == kind) & (table["measure"] == measure) & (table["importance"] != "mass")]
    for key, value in more.items():
        found = found[found[key] == value]
    return found


def one(table: pd.DataFrame, kind: str, measure: str = "rank_alignment", **more: Any) -> Any:
    found = rows(table, kind, measure, **more)
    assert len(found) == 1, found
    return next(found.itertuples())


def test_one_seed_has_means_and_differences_over_images() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    cell = one(table, "cell", cell="resnet18-a0.1-s0")
    assert cell.estimate == pytest.approx(0.25 + 0.125 * 0.9, abs=1e-6)
    assert cell.low < cell.estimate < cell.high
    assert (cell.architecture, cell.alpha, cell.seed, cell.n, cell.skipped) == ("resnet18", 0.1, "0", EXPLAINED, 0)
    group = one(table, "group", architecture="resnet18", alpha=0.1)
    assert (group.estimate, group.low, group.high, group.seed) == (cell.estimate, cell.low, cell.high, "all")
    contrast = one(table, "contrast", architecture="resnet34", alpha=0.5)
    # Paired: what images share is gone, and with it the spread.
    assert (contrast.estimate, contrast.low, contrast.high) == pytest.approx((0.125,) * 3, abs=1e-6)
    assert contrast.control == "no distillation"
    assert rows(table, "contrast", alpha=1.0).empty


def test_a_bootstrap_over_images_keeps_the_classes() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray:
        return noise(cell.name, measure, count=TEST)[: EXPLAINED if KEYS[measure][0] else TEST]

    table = summarise(Made(value))  # type: ignore[arg-type]
    values = value(Cell("resnet18", 0.1, 0), "accuracy").astype(np.float32)
    want = mean_over_images(values.astype(float), resamples(LABELS))
    got = one(table, "cell", "accuracy", cell="resnet18-a0.1-s0")
    assert (got.estimate, got.low, got.high) == pytest.approx(want[:3])


def seeded(cell: Cell, measure: str) -> float:
    """The same on every image, another in every seed."""
    assert cell.seed is not None
    return float(np.float32(SKILL[cell.architecture] * (1 - cell.alpha) + noise(cell.name, count=1)[0]))


def test_several_seeds_have_students_t_over_paired_differences() -> None:
    study = Made(seeded, seeds=[3, 1, 4, 2, 5])
    table = summarise(study)  # type: ignore[arg-type]

    def at(architecture: str, alpha: float, seeds: list[int]) -> np.ndarray:
        return np.array([seeded(Cell(architecture, alpha, seed), "") for seed in seeds])

    every = [3, 1, 4, 2, 5]
    want = stats.ttest_1samp(at("resnet18", 0.5, every), 0).confidence_interval(0.95)
    got = one(table, "group", architecture="resnet18", alpha=0.5)
    assert (got.low, got.high, got.n) == pytest.approx((want.low, want.high, 5))
    test = stats.ttest_rel(at("resnet18", 0.5, every), at("resnet18", 1.0, every))
    want = test.confidence_interval(0.95)
    got = one(table, "contrast", architecture="resnet18", alpha=0.5)
    assert (got.low, got.high) == pytest.approx((want.low, want.high))

    # A claim: the strongest distillation, the two smaller students, Bonferroni over them.
    differences = {a: at(a, 0.1, every) - at(a, 1.0, every) for a in ("resnet34", "resnet18")}
    for architecture, values in differences.items():
        want = stats.ttest_1samp(values, 0).confidence_interval(1 - 0.05 / 2)
        got = one(table, "finding", architecture=architecture)
        assert (got.estimate, got.low, got.high) == pytest.approx((values.mean(), want.low, want.high))
        assert got.alpha == 0.1
    together = (differences["resnet34"] + differences["resnet18"]) / 2
    want = stats.ttest_1samp(together, 0).confidence_interval(0.95)
    got = one(table, "finding", architecture="")
    assert (got.estimate, got.low, got.high) == pytest.approx((together.mean(), want.low, want.high))
    assert set(table.loc[table["kind"] == "finding", "measure"]) == {"accuracy", "rank_alignment", "focus"}


def test_the_teachers_own_cell_is_in_no_alignment() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    assert rows(table, "group", architecture="resnet50", alpha=1.0).empty
    assert rows(table, "contrast", architecture="resnet50").empty, "there is no other seed to compare with"
    assert len(rows(table, "group", "accuracy", architecture="resnet50", alpha=1.0)) == 1
    assert len(rows(table, "contrast", "accuracy", architecture="resnet50")) == 2
    several = summarise(Made(seeded, seeds=[3, 1, 4]))  # type: ignore[arg-type]
    others = [seeded(Cell("resnet50", 1.0, seed), "") for seed in (1, 4)]
    got = one(several, "group", architecture="resnet50", alpha=1.0)
    assert (got.estimate, got.n) == pytest.approx((np.mean(others), 2)), "the retrained teachers only"
    assert one(several, "contrast", architecture="resnet50", alpha=0.1).n == 2
    assert one(several, "group", "accuracy", architecture="resnet50", alpha=1.0).n == 3


def test_controls_are_of_a_cell_and_in_no_claim() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    controls = rows(table, "control")
    assert set(controls["control"]) == {"shuffled"}
    assert len(controls) == len(grid(Made(known).config))
    assert rows(table, "cell", "rank_alignment_shuffled").empty
    assert not table["measure"].str.contains("shuffled").any()


def test_undefined_images_are_left_out_and_counted() -> None:
    def holes(cell: Cell, measure: str) -> np.ndarray | float:
        values = np.array(np.broadcast_to(known(cell, measure), EXPLAINED if KEYS[measure][0] else TEST), float)
        if measure == "rank_alignment":
            values[:3] = np.nan
            values[5 if cell.alpha == 1 else 6] = np.nan
        return values

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = summarise(Made(holes))  # type: ignore[arg-type]
    got = one(table, "cell", cell="resnet18-a0.1-s0")
    assert (got.n, got.skipped) == (8, 4)
    got = one(table, "contrast", architecture="resnet34", alpha=0.5)
    assert (got.n, got.skipped) == (7, 5), "an image counts where both have a value"
    assert got.estimate == pytest.approx(0.125, abs=1e-6)


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_a_measure_that_is_nowhere_defined_is_nan_all_through(seeds: list[int]) -> None:
    def none(cell: Cell, measure: str) -> np.ndarray | float:
        return np.nan if measure.startswith("rank_alignment") else 0.5

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = summarise(Made(none, seeds=seeds))  # type: ignore[arg-type]
    nowhere = table[(table["measure"] == "rank_alignment") & (table["importance"] == "density")]
    assert len(nowhere)
    assert nowhere[["estimate", "low", "high"]].isna().all(axis=None)
    assert (nowhere["n"] == 0).all()
    cells = nowhere[nowhere["kind"] == "cell"]
    assert (cells["skipped"] == EXPLAINED).all()
    assert table.loc[table["kind"] == "association", "estimate"].isna().all()
    assert table.loc[(table["kind"] == "cell") & (table["measure"] == "focus"), "estimate"].notna().all()


def association(value: Value, **students: Any) -> dict[tuple[str, str], Any]:
    table = summarise(Made(value, **students))  # type: ignore[arg-type]
    found = table[(table["kind"] == "association") & (table["importance"] == "density")]
    return {(str(row.subset), str(row.control)): row for row in found.itertuples()}


def test_outputs_and_explanations_that_move_together() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray | float:
        if cell == Cell("resnet50", 1.0, 0):
            return 1.0 if measure != "accuracy" else 0.9
        shared = noise(cell.name, count=TEST) + 3 * noise(cell.name, 1, count=1)[0]
        return {
            "logit_alignment": shared,
            "rank_alignment": shared[:EXPLAINED] ** 3,
            "accuracy": noise(cell.name, 2, count=TEST) > 0.4,
        }.get(measure, 0.5)

    got = association(value)
    assert set(got) == {("cells", ""), ("cells", "accuracy"), ("images", ""), ("images", "accuracy")}
    assert got["images", ""].estimate == pytest.approx(1)
    assert got["images", "accuracy"].estimate == pytest.approx(1)
    assert got["cells", ""].n == 8, "all cells but the teacher"
    assert got["images", ""].n == EXPLAINED


def test_what_moves_together_through_accuracy_alone_is_told_apart() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray | float:
        if cell == Cell("resnet50", 1.0, 0):
            return 1.0
        right = noise(cell.name, count=TEST) > 0.5
        own = noise(cell.name, measure, count=TEST)
        if measure == "accuracy":
            return right
        return (2 * right + own)[: EXPLAINED if KEYS[measure][0] else TEST]

    got = association(value, seeds=[0, 1, 2, 3, 4])
    assert got["images", ""].estimate > 0.6
    assert abs(got["images", "accuracy"].estimate) < 0.25


def test_cells_are_compared_by_their_means() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray | float:
        if cell == Cell("resnet50", 1.0, 0):
            return 1.0
        mean = noise(cell.name, "logits", count=1)[0]
        sign = {"logit_alignment": 1, "rank_alignment": -1}.get(measure, 0)
        return np.float32(sign * mean + noise(cell.name, measure, "images", count=1)[0] * 1e-6)

    got = association(value)
    assert got["cells", ""].estimate == pytest.approx(-1)
    assert (got["cells", ""].low, got["cells", ""].high) == pytest.approx((-1, -1))


def test_a_study_of_the_teacher_alone_has_numbers_and_no_claims() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = summarise(Made(known, architectures=["resnet50"], alphas=[1.0]))  # type: ignore[arg-type]
    assert set(table["kind"]) <= {"cell", "control", "group"}
    assert one(table, "cell", "accuracy").n == TEST


@pytest.mark.parametrize("students", [{"architectures": ["resnet18"], "alphas": [1.0]}, {"alphas": [1.0]}])
def test_grids_that_cannot_ask_everything(students: dict[str, Any]) -> None:
    """One student, or no distillation at all: no contrast, and no crash."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = summarise(Made(known, **students))  # type: ignore[arg-type]
    assert not len(table[table["kind"].isin(["contrast", "finding"])])


def test_an_imported_network_has_its_numbers_and_is_in_no_group() -> None:
    mine = Cell("resnet18", None, None, "mine")

    def value(cell: Cell, measure: str) -> np.ndarray | float:
        return 0.9 if cell == mine else known(cell, measure)

    with_it, without = (summarise(Made(value, imported)) for imported in ((mine,), ()))  # type: ignore[arg-type]
    own = one(with_it, "cell", cell="mine")
    assert own.estimate == pytest.approx(0.9)
    assert np.isnan(own.alpha)
    assert own.seed == ""
    pd.testing.assert_frame_equal(with_it[with_it["cell"] != "mine"].reset_index(drop=True), without)


def test_the_table_is_as_the_file_promises() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    assert list(table.columns) == COLUMNS
    assert set(table["kind"]) == {"cell", "control", "group", "contrast", "finding", "association"}
    text = table.select_dtypes(exclude="number")
    assert not text.isna().any(axis=None), "text that does not apply is empty"
    identity = [c for c in COLUMNS if c not in ("estimate", "low", "high", "n", "skipped")]
    assert not table.duplicated(identity).any(), "a number shown has one row"
    known_rows = table.dropna(subset=["low", "estimate", "high"])
    assert (known_rows["low"] <= known_rows["estimate"] + 1e-9).all()
    assert (known_rows["estimate"] <= known_rows["high"] + 1e-9).all()


def test_values_are_of_all_cells_in_order() -> None:
    study = Made(known)
    found = load_values(study)  # type: ignore[arg-type]
    values = found[("rank_alignment", IG, "density", "")]
    assert values.cells == study.cells
    assert values.values.shape == (9, EXPLAINED)
    assert values.images.tolist() == list(range(100, 100 + EXPLAINED))
    np.testing.assert_allclose(values.of("resnet18", 0.1)[0], known(Cell("resnet18", 0.1, 0), "focus"), atol=1e-6)
    assert values.of("resnet18", 0.2) == {}
