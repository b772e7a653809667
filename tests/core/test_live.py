import json
import threading

import numpy as np
import pytest
import torch

from core import live
from core.attribution import explain, relevance
from core.errors import UserError
from core.inputs import as_input
from core.measures import rank_alignment
from core.models import save_model
from core.parts import importance
from tests.networks import add_networks
from tests.tiny import tiny_study

METHODS = ["integrated_gradients", "saliency"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return add_networks(tiny_study(tmp_path_factory.mktemp("live") / "tiny"))


@pytest.fixture(autouse=True)
def _empty_memory():
    live._kept.clear()


@pytest.fixture(scope="module")
def scene(study):
    rng = np.random.default_rng(0)
    photo = np.kron(rng.integers(0, 255, (6, 9, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    return live.scene_of(study, photo)


def run(study, scene, cells=None, methods=METHODS, **options):
    return list(live.explain_image(study, scene, study.cells if cells is None else cells, methods, **options))


def test_the_scene_is_the_middle_square_at_the_size_of_the_study(study, scene):
    assert scene.image.shape == (32, 32, 3)
    assert scene.part_map.shape == (32, 32)
    assert len(scene.parts) == scene.part_map.max() >= 5


def test_every_cell_answers_saliency_first_and_the_teacher_before_all(study, scene):
    found = run(study, scene, study.cells[::-1])
    cells = len(study.cells)
    assert [result.method for result in found] == ["saliency"] * cells + ["integrated_gradients"] * cells
    assert found[0].cell == found[cells].cell == study.teacher
    assert {result.cell for result in found[:cells]} == set(study.cells)


def test_the_teacher_comes_along_uninvited(study, scene):
    assert [result.cell for result in run(study, scene, [], ["saliency"])] == [study.teacher]


def test_results_are_those_of_the_pipeline(study, scene):
    found = run(study, scene)
    teacher = {result.method: result for result in found if result.cell == study.teacher}
    for result in found:
        model, header = live.network(study.path("models", result.cell))
        x = as_input(scene.image[None], header.mean, header.std)
        target = np.array([teacher[result.method].predicted])
        expected = explain(model, x, target, result.method, study.config.explain.points)
        assert result.target == target[0]
        np.testing.assert_allclose(result.map, expected.maps[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(result.gap, expected.gap[0], rtol=1e-2, atol=1e-4)
        mass, area = importance(relevance(expected.maps, result.method), scene.part_map, len(scene.parts))
        np.testing.assert_allclose(result.density, (mass / area)[0], rtol=1e-4)
        rho = rank_alignment(teacher[result.method].density[None], result.density[None])[0]
        assert result.alignment == pytest.approx(rho)
        logits = model(x)[0].softmax(0).detach().numpy()
        assert result.predicted == logits.argmax()
        assert result.probability == pytest.approx(logits.max(), abs=1e-5)


def test_results_depend_neither_on_order_nor_on_company(study, scene):
    full = {(r.cell, r.method): r for r in run(study, scene)}
    for result in run(study, scene, study.cells[:0:-2], METHODS[::-1]):
        same = full[result.cell, result.method]
        assert np.array_equal(result.map, same.map)
        assert result.alignment == same.alignment


def test_own_targets(study, scene):
    assert all(result.target == result.predicted for result in run(study, scene, target="own"))


def test_a_class_by_name_the_first_included(study, scene):
    name = study.dataset.classes[0]
    assert {result.target for result in run(study, scene, methods=["saliency"], target=name)} == {0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "label"}, "no label"),
        ({"target": "penguin"}, "no class called 'penguin'"),
        ({"methods": ["magic"]}, "no method called 'magic'"),
    ],
)
def test_wrong_wishes_are_one_sentence(study, scene, options, words):
    with pytest.raises(UserError, match=words):
        run(study, scene, **options)


def test_a_missing_network_is_one_sentence(tmp_path, scene):
    with pytest.raises(UserError, match="There is no file"):
        run(live.Study(tiny_study(tmp_path / "tiny")), scene)


def test_no_part_to_rank_leaves_the_alignment_undefined(study):
    plain = live.scene_of(study, np.full((40, 40, 3), 128, np.uint8))
    few = live.Scene(plain.image, np.ones_like(plain.part_map), ("all",))
    assert all(np.isnan(result.alignment) for result in run(study, few, methods=["saliency"]))


def test_nothing_is_written(study, scene):
    before = {path: path.stat().st_mtime_ns for path in study.folder.parent.rglob("*")}
    run(study, scene)
    assert before == {path: path.stat().st_mtime_ns for path in study.folder.parent.rglob("*")}


def test_closing_drops_what_has_not_begun(study, scene, monkeypatch):
    begun = []
    real = live._explain
    monkeypatch.setattr(live, "_explain", lambda *args: begun.append(args[2]) or real(*args))
    found = live.explain_image(study, scene, study.cells * 3, METHODS)
    next(found)
    found.close()
    live._pool().submit(lambda: None).result()
    assert len(begun) < 2 * len(study.cells)


def test_networks_stay_in_memory_until_the_budget_is_spent(study, monkeypatch):
    paths = [study.path("models", cell) for cell in study.cells]
    first = live.network(paths[0])[0]
    assert live.network(paths[0])[0] is first
    monkeypatch.setattr(live, "MODEL_BYTES", 1)
    live.network(paths[1])
    assert len(live._kept) == 1
    assert live.network(paths[0])[0] is not first


def test_a_network_that_was_trained_anew_is_read_anew(study):
    path = study.path("models", study.cells[-1])
    model, header = live.network(path)
    before = path.read_bytes()
    try:
        model.fc.bias.data += 1
        save_model(path, model, header)
        assert live.network(path)[0] is not model
    finally:
        path.write_bytes(before)


def test_results_as_json_hold_no_nan(study, scene):
    found = run(study, scene)
    tree = json.loads(json.dumps(live.as_json(found, scene, study.dataset.classes), allow_nan=False))
    assert len(tree["results"]) == len(found)
    assert tree["results"][0]["completeness_gap"] is None
    assert tree["results"][0]["explained"] in study.dataset.classes
    assert list(tree["results"][0]["density"]) == list(scene.parts)


def test_every_pass_runs_in_a_thread_of_its_own_with_one_core(study, scene, monkeypatch):
    seen = []
    real = live._predict

    def predict(*args):
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        return real(*args)

    monkeypatch.setattr(live, "_predict", predict)
    run(study, scene, methods=["saliency"])
    assert len(seen) == len(study.cells) + 1
    assert all(name.startswith("explain") and threads == 1 for name, threads in seen)
