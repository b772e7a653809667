"""The explain stage beside full maps, and taken up where a kill left it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import explain_cell, stages
from core.attribution import Prepared, baseline, explain
from core.errors import Unreadable
from core.explain_cell import Rows, settings_of, shrink
from core.inputs import as_input
from core.methods import METHODS
from core.models import load_model
from core.run.recipe import keys
from core.store import sha256_file
from core.study import Study
from tests.faults import Faults

STUDENT = "resnet18-a0.1-s0"
TEACHER = "resnet34-a1.0-s0"


def quiet(share: float, word: str) -> None:
    assert 0 <= share <= 1
    assert word


def key(study: Study) -> str:
    return keys(study)[study.path("importance", STUDENT).relative_to(study.folder).as_posix()]


def files(study: Study) -> list[Path]:
    return [study.path("importance", STUDENT)] + [
        study.path("maps", STUDENT, method) for method in study.config.explain.methods
    ]


def teacher_first(study: Study) -> None:
    """Explain the teacher, whose full maps a complete study no longer has: no run made what follows."""
    (study.folder / "manifest.json").unlink(missing_ok=True)
    if not study.path("relevance", TEACHER).exists():
        stages.explain_cell(study.folder, TEACHER, "any", "cpu", quiet)


def explained_again(study: Study) -> list[Path]:
    teacher_first(study)
    for path in files(study):
        path.unlink()
    return stages.explain_cell(study.folder, STUDENT, key(study), "cpu", quiet)


def changed(study: Study, monkeypatch: pytest.MonkeyPatch, section: str, **values: object) -> Study:
    part = getattr(study.config, section).model_copy(update=values)
    study.config = study.config.model_copy(update={section: part})
    monkeypatch.setattr(stages, "Study", lambda folder: study)
    return study


def test_explaining_in_other_batches_gives_the_same(ran_copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the gallery ends within a batch, and batches follow that keep nothing."""
    importance, kept = ran_copy.importance(STUDENT), ran_copy.maps(STUDENT, "integrated_gradients")
    monkeypatch.setattr(explain_cell, "batch_size", lambda side: 3)
    assert explained_again(ran_copy) == files(ran_copy)
    by = ["method", "image", "part"]
    again, before = (table.sort_values(by, ignore_index=True) for table in (ran_copy.importance(STUDENT), importance))
    pd.testing.assert_frame_equal(again, before, rtol=1e-3, atol=1e-5)
    for got, want in zip(ran_copy.maps(STUDENT, "integrated_gradients"), kept, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-3, atol=1e-4)


class KilledError(Exception):
    pass


@pytest.mark.parametrize("after", [1, 2, 3])
def test_killed_it_goes_on_after_the_last_shard_and_gives_the_same_bits(
    after: int, ran_copy: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain_cell, "batch_size", lambda side: 3)
    explained_again(ran_copy)
    whole = [sha256_file(path) for path in files(ran_copy)]
    monkeypatch.setattr(explain_cell, "SECONDS", 0.0)  # a shard a batch: 3, 3 and 2 images
    calls: list[int] = []
    real = explain_cell.explain

    def explain_or_die(network: object, images: np.ndarray, *rest: object, **more: object) -> object:
        if len(calls) == after:
            raise KilledError
        calls.append(len(images))
        return real(network, images, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(explain_cell, "explain", explain_or_die)
    for path in files(ran_copy):
        path.unlink()
    if after < 3:
        with pytest.raises(KilledError):
            stages.explain_cell(ran_copy.folder, STUDENT, key(ran_copy), "cpu", quiet)
    monkeypatch.setattr(explain_cell, "explain", lambda *a, **k: calls.append(len(a[1])) or real(*a, **k))
    stages.explain_cell(ran_copy.folder, STUDENT, key(ran_copy), "cpu", quiet)
    assert calls == [3, 3, 2], "no image twice"
    assert [sha256_file(path) for path in files(ran_copy)] == whole
    assert not (ran_copy.folder / "state").exists()


def test_a_shard_that_cannot_be_read_now_is_neither_damaged_nor_removed(tmp_path: Path) -> None:
    folder = tmp_path / "explain" / STUDENT / "key" / "000000000-000000004"
    shards = explain_cell.Shards(folder)
    for done in (2, 4):
        shards.add(done, [pd.DataFrame({"image": [done]})], {"maps": np.full((1, 2), done, np.float16)})
    with Faults(tmp_path) as counted:
        explain_cell.Shards(folder)
    there = sorted(folder.iterdir())
    assert counted.seen["read"] == len(there) == 6
    for nth in range(1, 7):
        with Faults(tmp_path, "read", "EIO", nth), pytest.raises((Unreadable, OSError), match="Input/output error"):
            explain_cell.Shards(folder)
        assert sorted(folder.iterdir()) == there
    assert explain_cell.Shards(folder).done == 4


def test_ranges_that_are_explained_apart_give_the_same_bits(ran_copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any order, one of them in two goes, as machines come and go."""
    monkeypatch.setattr(explain_cell, "batch_size", lambda side: 2)
    explained_again(ran_copy)
    whole = [sha256_file(path) for path in files(ran_copy)]
    monkeypatch.setattr(explain_cell, "SECONDS", 0.0)
    monkeypatch.setattr(explain_cell, "BATCHES", 2)
    cut = explain_cell.ranges(8, 32)
    assert cut == [(0, 4), (4, 8)]
    for path in files(ran_copy):
        path.unlink()
    told: list[float] = []

    def report(share: float, word: str) -> None:
        told.append(share)
        if len(told) == 1:
            raise KilledError

    given = (ran_copy.folder, STUDENT, key(ran_copy))
    with pytest.raises(KilledError):
        stages.explain_range(*given, 4, 8, "cpu", report)
    for start, stop in reversed(cut):
        stages.explain_range(*given, start, stop, "cpu", report)
    assert told == [0.5, 1.0, 0.5, 1.0], "no image twice"
    stages.explain_range(*given, 0, 4, "cpu", report)
    assert len(told) == 4, "nor a range"
    assert stages.join_maps(*given, cut, report) == files(ran_copy)
    assert [sha256_file(path) for path in files(ran_copy)] == whole
    assert not (ran_copy.folder / "state").exists()


@pytest.mark.parametrize(("images", "side"), [(1, 64), (300, 64), (513, 64), (5_000, 224), (50_000, 224)])
def test_ranges_are_of_whole_batches_and_cover_all_images(images: int, side: int) -> None:
    cut = explain_cell.ranges(images, side)
    assert [start for start, _ in cut] == [0, *(stop for _, stop in cut[:-1])]
    assert cut[-1][1] == images
    assert len(cut) <= explain_cell.RANGES
    assert all(start % explain_cell.batch_size(side) == 0 for start, _ in cut)


def test_shards_of_other_settings_are_not_taken_up(ran_copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = ran_copy.folder / "state" / "explain" / STUDENT / "another" / "000000003.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_text("not even a table")
    explained_again(ran_copy)
    assert not stale.exists()


@pytest.mark.parametrize("keep", [0, 3, 8, 100])
def test_as_many_maps_are_kept_as_asked_for(keep: int, ran_copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study = changed(ran_copy, monkeypatch, "keep", maps=keep)
    monkeypatch.setattr(explain_cell, "batch_size", lambda side: 4)
    teacher_first(study)
    stages.explain_cell(study.folder, STUDENT, "key", "cpu", quiet)
    ids, maps = study.maps(STUDENT, "saliency")
    assert len(ids) == len(maps) == min(keep, 8)
    assert maps.shape[1:] == (16, 16)


def test_kept_maps_are_the_full_ones_averaged(ran: Study) -> None:
    ids, kept = ran.maps(STUDENT, "integrated_gradients")
    model, header = load_model(ran.path("models", STUDENT))
    images, part_maps = ran.dataset.load(ids)
    teacher_ids, logits = ran.logits(TEACHER)
    targets = logits[np.searchsorted(teacher_ids, ids)].argmax(1)
    x = as_input(images, header.mean, header.std)
    found = explain(
        Prepared(model, x), x, targets, ["integrated_gradients"], settings_of(ran.config), regions=part_maps
    )
    want = found["integrated_gradients"].maps.reshape(len(ids), 16, 2, 16, 2).mean((2, 4))
    np.testing.assert_allclose(kept, want, rtol=2e-3, atol=1e-4)


def test_every_map_says_how_exact_it_is(ran: Study) -> None:
    table = ran.importance(STUDENT)
    saliency, gradients = (table[table["method"] == name] for name in ("saliency", "integrated_gradients"))
    assert (saliency[["d", "part_d"]] == 0).all(axis=None)
    assert (saliency["evaluations"] == 1).all()
    assert saliency["converged"].all()
    assert (gradients["d"] > 0).all()
    assert gradients["evaluations"].between(9, ran.config.explain.budget).all()
    np.testing.assert_array_equal(gradients["converged"], gradients["part_d"] <= ran.config.explain.tolerance)
    assert (table.groupby(["image", "method"], observed=True)[["d", "part_d", "evaluations"]].nunique() == 1).all(
        axis=None
    )


def test_a_smaller_tolerance_takes_more_points_and_a_baseline_changes_the_maps(
    ran_copy: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ran_copy.importance(STUDENT)
    teacher_first(ran_copy)
    study = changed(ran_copy, monkeypatch, "explain", tolerance=0.008, budget=600)
    stages.explain_cell(study.folder, STUDENT, "finer", "cpu", quiet)
    finer = study.importance(STUDENT)
    finer = finer[finer["method"] == "integrated_gradients"]
    assert (finer["part_d"] <= 0.008).all()
    assert finer["evaluations"].mean() > before.loc[before["method"] == "integrated_gradients", "evaluations"].mean()
    study = changed(study, monkeypatch, "explain", baseline="black")
    stages.explain_cell(study.folder, STUDENT, "black", "cpu", quiet)
    black = study.importance(STUDENT)
    black = black[black["method"] == "integrated_gradients"]
    assert not np.allclose(black["mass"], finer["mass"], rtol=0.05, equal_nan=True)
    model, header = load_model(study.path("models", STUDENT))
    image = int(black["image"].iloc[0])
    images, part_maps = study.dataset.load([image])
    x = as_input(images, header.mean, header.std)
    begin = baseline("black", x, header.mean, header.std)
    ids, logits = study.logits(TEACHER)
    target = logits[np.searchsorted(ids, [image])].argmax(1)
    found = explain(
        Prepared(model, x),
        x,
        target,
        ["integrated_gradients"],
        settings_of(study.config),
        baseline=begin,
        regions=part_maps,
    )
    total = np.abs(found["integrated_gradients"].maps).sum()
    assert black["total"].iloc[0] == pytest.approx(total, rel=1e-3)


def test_small_images_go_many_at_a_time() -> None:
    assert [explain_cell.batch_size(side) for side in (32, 64, 128, 224, 512)] == [64, 64, 16, 8, 8]


def test_rows_read_no_more_than_is_asked_for() -> None:
    array = np.arange(20).reshape(10, 2)
    rows = Rows(array, np.array([7, 1, 3]))
    np.testing.assert_array_equal(rows[1:3], array[[1, 3]])


def test_shrinking() -> None:
    maps = np.arange(32.0, dtype=np.float32).reshape(2, 4, 4)
    np.testing.assert_allclose(shrink(maps, 2), maps.reshape(2, 2, 2, 2, 2).mean((2, 4)))
    assert shrink(maps, 4) is maps
    assert shrink(maps, 9) is maps, "never enlarged"
    assert shrink(maps[:0], 2).shape == (0, 2, 2)


def test_a_study_may_ask_for_every_method(ran_copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study = changed(ran_copy, monkeypatch, "explain", methods=list(METHODS))
    teacher_first(study)
    stages.explain_cell(study.folder, STUDENT, "all", "cpu", quiet)
    table = study.importance(STUDENT)
    images = sorted(set(table["image"]))
    assert set(table["method"]) == set(METHODS)
    for method in METHODS:
        rows = table[table["method"] == method]
        assert sorted(set(rows["image"])) == images
        assert np.isfinite(rows["total"]).all()
        assert (rows["evaluations"] >= 1).all()
        ids, maps = study.maps(STUDENT, method)
        assert np.isfinite(maps.astype(np.float32)).all()
        assert len(ids) == study.config.keep.maps
