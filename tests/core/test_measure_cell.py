"""Every number of measures/ from scratch: full maps, masks spread out, one image at a time."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from core import measures as m
from core.attribution import Prepared, explain
from core.explain_cell import settings_of
from core.measure_cell import measure_cell, part_arrays, part_shares
from core.study import Study
from tests.tiny import EXPLAINED, tiny_study

STUDENT = "resnet18-a0.1-s0"


def value(table: pd.DataFrame, image: int, measure: str, method: str = "", importance: str = "", outside: str = ""):
    keys = {"image": image, "measure": measure, "method": method, "importance": importance, "outside": outside}
    found = table[np.logical_and.reduce([table[key] == wanted for key, wanted in keys.items()])]
    assert len(found) == 1, keys
    return found["value"].iloc[0]


def relevance(study: Study, cell: str, image: np.ndarray, part_map: np.ndarray, target: int, method: str) -> np.ndarray:
    model, header = study.model(cell), study.header(cell)
    pixels = (image / 255 - np.array(header.mean)) / np.array(header.std)
    x = torch.from_numpy(pixels.transpose(2, 0, 1)[None]).float().requires_grad_()
    if method == "saliency":
        gradient = torch.autograd.grad(model(x)[0, target], x)[0]
        return gradient.abs().amax(1).numpy()
    classes, settings = np.array([target]), settings_of(study.config)
    prepared = Prepared(model, x)
    return np.abs(explain(prepared, x.detach(), classes, [method], settings, regions=part_map[None])[method].maps)


def test_it_is_what_full_maps_and_masks_give(ran: Study) -> None:
    table, teachers_own = ran.measures(STUDENT), ran.measures(ran.teacher)
    ids = ran.maps(STUDENT, "saliency")[0][:3]
    images, part_maps = ran.dataset.load(ids)
    defined = 0
    for image_id, image, part_map in zip(ids, images, part_maps, strict=True):
        masks = np.stack([part_map == p + 1 for p in range(len(ran.dataset.parts))])[None]
        _, teacher_logits = ran.logits(ran.teacher)
        target = int(teacher_logits[np.searchsorted(ran.logits(STUDENT)[0], image_id)].argmax())
        for method in ("saliency", "integrated_gradients"):
            own, teachers = (
                relevance(ran, cell, image, part_map, target, method) for cell in (STUDENT, ran.teacher.name)
            )
            got = value(table, image_id, "map_similarity", method)
            assert got == pytest.approx(m.map_similarity(teachers, own)[0], abs=0.01, nan_ok=True)
            for kind, of in {"density": m.part_density, "mass": m.part_mass}.items():
                student, teacher = of(own, masks), of(teachers, masks)
                visible = ~np.isnan(student[0])
                rho = spearmanr(student[0, visible], teacher[0, visible]).statistic if visible.sum() >= 5 else np.nan
                got = value(table, image_id, "rank_alignment", method, kind)
                assert got == pytest.approx(rho, abs=0.02, nan_ok=True)
                defined += np.isfinite(rho)
                area = m.rank_alignment(teacher, m.part_area(masks))[0]
                got = value(teachers_own, image_id, "rank_alignment_area", method, kind)
                assert got == pytest.approx(area, abs=0.02, nan_ok=True)
                for outside in ("image", "parts"):
                    share = m.focus(own, masks, teacher, 5, outside)[0]
                    richness = m.enrichment(own, masks, teacher, 5, outside)[0]
                    for name, want in {
                        "focus": share,
                        "focus_ratio": share / (1 - share),
                        "enrichment": richness,
                    }.items():
                        got = value(table, image_id, name, method, kind, outside)
                        assert got == pytest.approx(want, rel=1e-3, abs=1e-4, nan_ok=True), name
    assert defined >= 4, "there was something to compare"


def test_outputs_are_compared_on_every_test_image(ran: Study) -> None:
    table = ran.measures(STUDENT)
    ids, own = ran.logits(STUDENT)
    _, teacher = ran.logits(ran.teacher)
    labels = ran.labels(ids)
    for row, image in enumerate(ids):
        assert value(table, image, "accuracy") == float(own[row].argmax() == labels[row])
        assert value(table, image, "top1_agreement") == float(own[row].argmax() == teacher[row].argmax())
        want = spearmanr(own[row], teacher[row]).statistic
        assert value(table, image, "logit_alignment") == pytest.approx(want, nan_ok=True)


def test_the_teacher_is_wholly_like_itself(ran: Study) -> None:
    table = ran.measures(ran.teacher)
    for measure in ("rank_alignment", "logit_alignment", "top1_agreement"):
        values = table.loc[table["measure"] == measure, "value"].dropna()
        assert len(values)
        np.testing.assert_allclose(values, 1, atol=1e-6)


def test_every_image_has_every_measure_once(ran: Study) -> None:
    table = ran.measures(STUDENT)
    keys = ["measure", "method", "importance", "outside"]
    counts = table.groupby(keys, observed=True)["image"].agg(["count", "nunique"])
    assert (counts["count"] == counts["nunique"]).all()
    by_name = counts["count"].groupby("measure", observed=True).unique()
    assert {name: list(found) for name, found in by_name.items()} == {
        "accuracy": [24],
        "logit_alignment": [24],
        "logit_alignment_shuffled": [24],
        "top1_agreement": [24],
        "top5_agreement": [24],
        "kl": [24],
        "map_similarity": [8],
        "map_similarity_shuffled": [8],
        "converged": [8],
        "win_rate": [8],
        "rank_alignment": [8],
        "rank_alignment_shuffled": [8],
        "focus": [8],
        "focus_ratio": [8],
        "focus_shuffled": [8],
        "enrichment": [8],
    }
    assert len(counts) == 6 + 2 * (4 + 2 * (2 + 2 * 4))
    teachers_own = set(ran.measures(ran.teacher)["measure"])
    assert teachers_own - set(table["measure"]) == {"rank_alignment_area", "focus_area"}
    assert set(table["measure"]) - teachers_own == {"win_rate", "map_similarity_shuffled"}


def test_part_arrays() -> None:
    table = pd.DataFrame(
        {
            "method": ["a", "a", "a", "a", "b", "b"],
            "image": [7, 7, 9, 9, 7, 7],
            "mass": [1.0, 2, 3, 4, 5, 6],
            "density": [0.1, 0.2, np.nan, 0.4, 0.5, 0.6],
            "area": [10.0, 10, 10, 10, 10, 10],
            "total": [3.0, 3, 7, 7, 11, 11],
            "similarity": [0.5, 0.5, 0.6, 0.6, 0.7, 0.7],
            "similarity_shuffled": [0.1, 0.1, 0.2, 0.2, 0.3, 0.3],
            "d": [0.0, 0, 0, 0, 0, 0],
            "converged": [True, True, False, False, True, True],
        }
    )
    got = part_arrays(table, "a")
    assert got["ids"].tolist() == [7, 9]
    assert got["mass"].tolist() == [[1, 2], [3, 4]]
    np.testing.assert_array_equal(got["density"], [[0.1, 0.2], [np.nan, 0.4]])
    assert got["total"].tolist() == [3, 7]
    assert got["similarity"].tolist() == [0.5, 0.6]
    assert got["similarity_shuffled"].tolist() == [0.1, 0.2]
    assert got["converged"].tolist() == [1, 0]


def test_superpixels_have_no_shuffled_control(tmp_path) -> None:
    """Region 3 of one image has nothing to do with region 3 of another."""
    study = Study(tiny_study(tmp_path / "tiny"))
    assert "rank_alignment_shuffled" in set(measure_cell(study, study.cell(STUDENT))["measure"])
    object.__setattr__(study.dataset, "named_parts", False)
    found = set(measure_cell(study, study.cell(STUDENT))["measure"])
    assert "rank_alignment_shuffled" not in found
    assert "focus_shuffled" not in found
    assert {"rank_alignment", "focus", "win_rate"} <= found
    assert part_shares(study, study.cell(STUDENT)).empty


def test_a_flat_map_is_undefined_throughout(tmp_path) -> None:
    study = Study(tiny_study(tmp_path / "tiny"))
    table = study.importance(STUDENT)
    seen = table["mass"].notna()
    table.loc[seen, ["mass", "density"]] = 0.0
    table["total"] = np.float32(0)
    table.to_parquet(study.path("importance", STUDENT))
    got = measure_cell(study, study.cell(STUDENT))
    on_parts = got[got["measure"].isin(["rank_alignment", "focus", "focus_ratio", "enrichment"])]
    assert len(on_parts) == EXPLAINED * 2 * 2 * (1 + 2 * 3)
    assert on_parts["value"].isna().all(), "never 0"
    assert got.loc[got["measure"] == "accuracy", "value"].notna().all()
