"""On measures made by hand, whose means and differences are known."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.cells import Cell, grid
from core.estimates import how_often, mean_over_images, resamples
from core.summarise import COLUMNS, summarise
from core.values import Keys, load_values
from tests.made import EXPLAINED, IG, KEYS, LABELS, SKILL, TEST, Made, Value, known, noise


def rows(table: pd.DataFrame, kind: str, measure: str = "rank_alignment", **more: Any) -> pd.DataFrame:
    more.setdefault("subset", "all")
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
    assert (group.estimate, group.low, group.high) == pytest.approx((cell.estimate, cell.low, cell.high))
    assert group.seed == "all"
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
    want = mean_over_images(values.astype(float), how_often(LABELS, resamples(LABELS)))
    got = one(table, "cell", "accuracy", cell="resnet18-a0.1-s0")
    assert (got.estimate, got.low, got.high) == pytest.approx(want[:3])


def seeded(cell: Cell, measure: str) -> float:
    """The same on every image, another in every seed."""
    assert cell.seed is not None
    return float(np.float32(SKILL[cell.architecture] * (1 - (cell.alpha or 1.0)) + 0.3 * noise(cell.name, count=1)[0]))


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
    assert {"accuracy", "rank_alignment", "focus"} <= set(table.loc[table["kind"] == "finding", "measure"])


def test_what_sentences_tell_of_all_smaller_students_is_a_row_of_its_own() -> None:
    seeds = [3, 1, 4, 2, 5]
    table = summarise(Made(seeded, seeds=seeds))  # type: ignore[arg-type]
    for alpha in (1.0, 0.5, 0.1):
        cells = [[Cell(name, alpha, seed) for name in ("resnet34", "resnet18")] for seed in seeds]
        means = np.mean([[seeded(cell, "") for cell in pair] for pair in cells], axis=1)
        want = stats.ttest_1samp(means, 0).confidence_interval(0.95)
        got = one(table, "mean", alpha=alpha, control="")
        assert (got.estimate, got.low, got.high, got.n) == pytest.approx((means.mean(), want.low, want.high, 5))
    (alone,) = rows(summarise(Made(known)), "mean", alpha=0.1, control="").itertuples()  # type: ignore[arg-type]
    both = rows(summarise(Made(known)), "group", alpha=0.1).query("architecture != 'resnet50'")  # type: ignore[arg-type]
    assert alone.estimate == pytest.approx(both["estimate"].mean())
    assert alone.low < alone.estimate < alone.high


def test_untrained_networks_have_a_mean_and_no_interval() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    untrained = rows(table, "control", control="random network").query("architecture != 'resnet50'")
    got = one(table, "mean", control="random network")
    assert got.estimate == pytest.approx(untrained["estimate"].mean())
    assert (np.isnan(got.low), np.isnan(got.high), got.n) == (True, True, 2)


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


def test_controls_are_in_no_claim() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    by_chance = rows(table, "control", control="shuffled")
    assert len(by_chance) == len(grid(Made(known).config)) - 1, "one a student"
    assert set(by_chance["seed"]) == {"all"}
    assert not table["measure"].str.contains("shuffled|area|random").any()
    assert set(table.loc[table["kind"] == "finding", "control"]) == {"no distillation"}


def test_an_untrained_network_is_a_control_and_nothing_else() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    untrained = rows(table, "control", control="random network")
    assert untrained["architecture"].tolist() == ["resnet50", "resnet34", "resnet18"]
    assert untrained["alpha"].isna().all()
    np.testing.assert_allclose(untrained["estimate"], 0.25 / 8, atol=1e-6)
    assert not table["cell"].str.contains("random").any()


def test_a_retrained_teacher_is_the_other_seeds_of_the_teacher() -> None:
    several = summarise(Made(seeded, seeds=[3, 1, 4]))  # type: ignore[arg-type]
    again = one(several, "control", control="retrained teacher")
    group = one(several, "group", architecture="resnet50", alpha=1.0)
    assert (again.estimate, again.low, again.n) == (group.estimate, group.low, 2)
    alone = summarise(Made(seeded))  # type: ignore[arg-type]
    assert rows(alone, "control", control="retrained teacher").empty, "said, not guessed"


def test_ratio_and_enrichment_have_the_controls_of_focus() -> None:
    def value(cell: Cell, measure: str) -> float:
        return {"focus_shuffled": 0.6, "focus_area": 0.4}.get(measure, 0.5)

    table = summarise(Made(value))  # type: ignore[arg-type]
    where = {"architecture": "resnet18", "alpha": 0.1, "outside": "parts"}
    assert one(table, "control", "focus", control="shuffled", **where).estimate == pytest.approx(0.6)
    assert one(table, "control", "focus_ratio", control="shuffled", **where).estimate == pytest.approx(1.5)
    assert one(table, "control", "enrichment", control="shuffled", **where).estimate == pytest.approx(1.5)
    assert one(table, "control", "focus", control="area").estimate == pytest.approx(0.4)
    assert one(table, "control", "focus_ratio", control="area").estimate == pytest.approx(0.4 / 0.6)


def test_on_the_images_that_both_get_right() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray | float:
        images = np.arange(TEST if not KEYS[measure][0] else EXPLAINED)
        if measure == "accuracy":  # the teacher errs on 0 and 1, the distilled on 2, the undistilled on 3
            wrong = {1.0: [3], 0.1: [2]}.get(cell.alpha, [])
            return ~np.isin(images, [0, 1] if cell == Cell("resnet50", 1.0, 0) else wrong)
        if measure == "focus_area":
            return 0.5
        base = images.astype(float)
        base[5] = np.nan
        return base * (2 if cell.alpha == 0.1 else 1)

    table = summarise(Made(value))  # type: ignore[arg-type]
    group = one(table, "group", architecture="resnet18", alpha=0.1, subset="both right")
    right = [3, 4, *range(6, EXPLAINED)]
    assert group.estimate == pytest.approx(2 * np.mean(right))
    assert (group.n, group.skipped) == (len(right), 1), "image 5 is undefined, the wrong ones are no part of it"
    contrast = one(table, "contrast", architecture="resnet18", alpha=0.1, subset="both right")
    assert contrast.estimate == pytest.approx(np.mean([4, *range(6, EXPLAINED)])), "on what all three get right"
    assert one(table, "finding", architecture="resnet18", subset="both right").estimate == contrast.estimate
    assert rows(table, "group", "accuracy", subset="both right").empty


def test_normalised_alignment_lies_between_chance_and_a_second_teacher() -> None:
    def value(cell: Cell, measure: str) -> float:
        jitter = 0.01 * noise(cell.seed, measure, count=1)[0]
        if measure == "rank_alignment_shuffled":
            return 0.1 + jitter
        if cell.architecture == "resnet50" and cell.alpha == 1.0:
            return 0.9 + jitter
        return 0.5 + jitter

    table = summarise(Made(value, seeds=[0, 1, 2, 3]))  # type: ignore[arg-type]
    got = one(table, "normalised", architecture="resnet18", alpha=0.1)
    assert got.estimate == pytest.approx(0.5, abs=0.02)
    assert got.low < got.estimate < got.high
    assert got.n == 3, "the seeds that a teacher was trained again with"
    assert rows(table, "normalised", architecture="resnet50", alpha=1.0).empty
    assert rows(summarise(Made(value)), "normalised").empty  # type: ignore[arg-type]


def test_which_parts_gain() -> None:
    table = summarise(Made(seeded, seeds=[0, 1, 2]))  # type: ignore[arg-type]
    where = {"subset": "beak", "architecture": "resnet18", "alpha": 0.1, "control": ""}
    got = one(table, "part", "part_share", **where)
    want = [seeded(Cell("resnet18", 0.1, seed), "focus") / 2 for seed in (0, 1, 2)]
    assert (got.estimate, got.n) == (pytest.approx(np.mean(want)), 3)
    teacher = one(table, "part", "part_share", subset="beak", cell="resnet50-a1.0-s0")
    assert teacher.low < teacher.estimate < teacher.high


def test_how_it_spreads() -> None:
    table = summarise(Made(known))  # type: ignore[arg-type]
    got = rows(table, "quantile", cell="resnet18-a0.1-s0").set_index("control")["estimate"]
    want = np.percentile(known(Cell("resnet18", 0.1, 0), "rank_alignment"), [5, 25, 50, 75, 95])
    np.testing.assert_allclose(got.loc[["p5", "p25", "p50", "p75", "p95"]], want, atol=1e-6)


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
    found = found[found["architecture"] == ""]
    return {(str(row.subset), str(row.control)): row for row in found.itertuples()}


def test_outputs_and_explanations_that_move_together() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray | float:
        if cell == Cell("resnet50", 1.0, 0):
            return 1.0
        shared = noise(cell.name, count=TEST) + 3 * noise(cell.name, 1, count=1)[0]
        return {
            "logit_alignment": shared,
            "rank_alignment": shared[:EXPLAINED] ** 3,
            "accuracy": noise(cell.name, 2, count=TEST) > 0.4,
        }.get(measure, 0.5)

    got = association(value)
    everywhere = {("cells", ""), ("cells", "accuracy"), ("images", ""), ("images", "accuracy"), ("both right", "")}
    assert set(got) == everywhere
    assert got["both right", ""].estimate == pytest.approx(1)
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


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2, 3]])
def test_an_architecture_by_itself_has_a_wider_interval(seeds: list[int]) -> None:
    def value(cell: Cell, measure: str) -> np.ndarray | float:
        own = noise(cell.name, measure, count=TEST)
        if measure == "accuracy":
            return noise(cell.name, count=TEST) > 0.5
        shared = noise(cell.name, "shared", count=TEST) if cell.architecture == "resnet18" else 0.0
        return (2 * shared + own)[: EXPLAINED if KEYS[measure][0] else TEST]

    made = Made(value, seeds=seeds)
    table = summarise(made)  # type: ignore[arg-type]
    found = table[(table["kind"] == "association") & (table["importance"] == "density") & (table["alpha"].isna())]
    found = found[(found["subset"] == "images") & (found["control"] == "") & (found["method"] == IG)]
    got = {row.architecture: row for row in found.itertuples()}
    assert set(got) == {"", *made.config.students.architectures}
    assert got["resnet18"].low > 0.3
    assert got["resnet34"].low < 0 < got["resnet34"].high
    if len(seeds) == 1:
        return
    by_seed = []
    for seed in seeds:
        cells = [Cell("resnet18", alpha, seed) for alpha in made.config.students.alphas]
        pairs = [(value(cell, "logit_alignment")[:EXPLAINED], value(cell, "rank_alignment")) for cell in cells]  # type: ignore[index]
        by_seed.append(np.mean([stats.spearmanr(*pair).statistic for pair in pairs]))
    want = stats.ttest_1samp(by_seed, 0).confidence_interval(1 - 0.05 / 3)
    assert (got["resnet18"].low, got["resnet18"].high) == pytest.approx((want.low, want.high))


def test_on_the_images_both_get_right_the_others_do_not_count() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray | float:
        if cell == Cell("resnet50", 1.0, 0):
            return 1.0
        right = noise(cell.name, count=TEST) > 0.5
        if measure == "accuracy":
            return right
        sign = np.where(right, 1, -1) if measure == "rank_alignment" else 1
        return (sign * noise(cell.name, "shared", count=TEST))[: EXPLAINED if KEYS[measure][0] else TEST]

    got = association(value)
    assert got["both right", ""].estimate == pytest.approx(1)
    assert abs(got["images", ""].estimate) < 0.5


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
    assert set(table["kind"]) <= {"cell", "control", "group", "part", "cost"}
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
    kinds = {
        "cell",
        "control",
        "group",
        "mean",
        "contrast",
        "finding",
        "dose",
        "association",
        "part",
        "quantile",
        "cost",
    }
    assert set(table["kind"]) == kinds
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
    values = found[Keys("rank_alignment", IG, "density")]
    assert values.cells == study.measured
    assert values.values.shape == (12, EXPLAINED)
    assert values.images.tolist() == list(range(100, 100 + EXPLAINED))
    np.testing.assert_allclose(values.of("resnet18", 0.1)[0], known(Cell("resnet18", 0.1, 0), "focus"), atol=1e-6)
    assert values.of("resnet18", 0.2) == {}


def test_one_retrained_teacher_has_no_interval() -> None:
    """Of two seeds one is the teacher's: the images of a single training say nothing of training again."""
    table = summarise(Made(seeded, seeds=[0, 1]))  # type: ignore[arg-type]
    again = one(table, "control", control="retrained teacher")
    assert again.n == 1
    assert np.isnan([again.low, again.high]).all()


def test_every_architecture_counts_alike_however_few_of_its_images_a_subset_leaves() -> None:
    def value(cell: Cell, measure: str) -> np.ndarray | float:
        if measure == "accuracy":
            return np.arange(TEST) < (2 if cell.architecture == "resnet18" else TEST)
        effect = {"resnet18": 0.5, "resnet34": 0.1}.get(cell.architecture, 0.0) * (cell.alpha == 0.1)
        return 0.3 + effect

    table = summarise(Made(value))  # type: ignore[arg-type]
    overall = one(table, "finding", architecture="", subset="both right")
    assert overall.estimate == pytest.approx(0.3, abs=1e-6)
    assert overall.skipped == 0, "what the subset leaves out is not undefined"
