import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from core import live, turns
from core.ask import Ask
from core.attribution import Settings, baseline, explain
from core.errors import UserError
from core.inputs import as_input
from core.live import compute, memory, work
from core.live import explain as engine
from core.live.kept import answer_key, is_answer, is_map, map_key
from core.measures import rank_alignment
from core.methods import relevance
from core.models import load_model, save_model
from core.parts import importance
from core.study import Study
from core.turns import Place, Stopped, Turns
from tests.networks import add_networks
from tests.tiny import tiny_study

METHODS = ["integrated_gradients", "saliency"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return add_networks(tiny_study(tmp_path_factory.mktemp("live") / "tiny"))


@pytest.fixture(autouse=True)
def _empty_memory():
    memory._kept.clear()


def ready(study, cell):
    return memory.ready(study.header(cell), lambda: study.model(cell))


@pytest.fixture(scope="module")
def scene(study):
    rng = np.random.default_rng(0)
    photo = np.kron(rng.integers(0, 255, (6, 9, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    return live.scene_of(study, photo)


def levels(study, scene, cells=None, methods=METHODS, kept=None, **asked):
    chosen = study.cells if cells is None else cells
    return list(live.explain_image(study, scene, chosen, methods, Ask(**asked), kept))


def run(study, scene, *args, **options):
    return live.settled(levels(study, scene, *args, **options), study.teacher)


def test_the_scene_is_the_middle_square_at_the_size_of_the_study(study, scene):
    assert scene.image.shape == (32, 32, 3)
    assert scene.part_map.shape == (32, 32)
    assert len(scene.parts) == scene.part_map.max() >= 5


def test_every_cell_answers_saliency_first_and_the_teacher_before_all(study, scene):
    found = levels(study, scene, study.cells[::-1])
    methods = [result.method for result in found]
    assert methods == sorted(methods, reverse=True), "saliency before integrated gradients"
    for method in METHODS:
        of_method = [result for result in found if result.method == method]
        assert of_method[0].cell == study.teacher
        assert {result.cell for result in of_method} == set(study.cells)
        assert sorted(result.cell.name for result in of_method if result.final) == sorted(c.name for c in study.cells)


def test_integrated_gradients_become_finer_in_place(study, scene):
    found = levels(study, scene, methods=["integrated_gradients"], tolerance=0.05)
    for cell in study.cells:
        own = [result for result in found if result.cell == cell]
        points = [result.evaluations for result in own]
        assert points == sorted(points)
        assert points[0] == 9
        assert [result.final for result in own] == [False] * (len(own) - 1) + [True]
        assert own[-1].converged
        assert own[-1].difference <= 0.05 < own[0].difference


def test_what_is_settled_is_the_last_and_beside_the_last_of_the_teacher(study, scene):
    found = levels(study, scene, methods=["integrated_gradients"], tolerance=0.05)
    settled = live.settled(found, study.teacher)
    assert {result.cell for result in settled} == set(study.cells)
    teacher = settled[0]
    for result in settled:
        assert result.final
        rho = rank_alignment(teacher.density[None], result.density[None])[0]
        assert result.alignment == pytest.approx(rho)
    assert live.settled([result for result in found if result.cell != study.teacher], study.teacher) == []


def test_the_teacher_comes_along_uninvited(study, scene):
    assert [result.cell for result in run(study, scene, [], ["saliency"])] == [study.teacher]


@pytest.mark.parametrize("start", ["mean", "black", "blurred"])
@pytest.mark.parametrize("score", ["logit", "probability"])
def test_results_are_those_of_the_pipeline(study, scene, start, score):
    found = run(study, scene, baseline=start, score=score, tolerance=0.05)
    teacher = {result.method: result for result in found if result.cell == study.teacher}
    for result in found:
        prepared, header = ready(study, result.cell), study.header(result.cell)
        x = as_input(scene.image[None], header.mean, header.std)
        target = np.array([teacher[result.method].predicted])
        begin = baseline(start, x, header.mean, header.std)
        expected = explain(prepared, x, target, [result.method], Settings(score, 0.05), baseline=begin)[result.method]
        assert result.target == target[0]
        np.testing.assert_allclose(result.map, expected.maps[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(result.gap, expected.gap[0], rtol=1e-2, atol=1e-4)
        assert result.evaluations == expected.evaluations[0]
        mass, area = importance(relevance(expected.maps, result.method), scene.part_map, len(scene.parts))
        np.testing.assert_allclose(result.density, (mass / area)[0], rtol=1e-4)
        logits = load_model(study.path("models", result.cell))[0](x)[0].softmax(0).detach().numpy()
        assert result.predicted == logits.argmax()
        assert result.probability == pytest.approx(logits.max(), abs=1e-5)


def test_results_depend_neither_on_order_nor_on_company(study, scene):
    full = {(r.cell, r.method): r for r in run(study, scene)}
    for result in run(study, scene, study.cells[:0:-2], METHODS[::-1]):
        same = full[result.cell, result.method]
        assert np.array_equal(result.map, same.map)
        assert result.alignment == same.alignment


def test_what_is_done_is_left_out_but_for_the_teacher_beside_others(study, scene):
    full = {(r.method, r.cell): r for r in run(study, scene)}
    teacher, *_, last = study.cells
    done = {key for key in full if key not in [("saliency", last), ("integrated_gradients", teacher)]}
    found = live.settled(live.explain_image(study, scene, study.cells, METHODS, done=done), teacher)
    assert {(r.method, r.cell) for r in found} == {
        ("saliency", teacher),
        ("saliency", last),
        ("integrated_gradients", teacher),
    }
    assert all(np.array_equal(r.map, full[r.method, r.cell].map) for r in found)
    assert not list(live.explain_image(study, scene, study.cells, METHODS, done=set(full)))


def test_own_targets(study, scene):
    assert all(result.target == result.predicted for result in run(study, scene, target="own"))


def test_a_class_by_name_the_first_included(study, scene):
    name = study.dataset.classes[0]
    assert {result.target for result in run(study, scene, methods=["saliency"], target=name)} == {0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "label"}, "no label"),
        ({"target": "penguin"}, "no target called 'penguin'"),
        ({"methods": ["magic"]}, "no method called 'magic'"),
    ],
)
def test_wrong_wishes_are_one_sentence(study, scene, options, words):
    with pytest.raises(UserError, match=words):
        run(study, scene, **options)


def test_a_missing_teacher_is_one_sentence(tmp_path, scene):
    with pytest.raises(UserError, match="There is no file"):
        levels(Study(tiny_study(tmp_path / "tiny")), scene)


def test_a_damaged_student_leaves_the_others_whole(tmp_path, scene):
    study = add_networks(tiny_study(tmp_path / "tiny"))
    path = study.path("models", study.cells[-1])
    path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    steps = live.explain_image(study, scene, study.cells, METHODS)
    with pytest.raises(UserError, match="is damaged") as told:
        list(steps)
    assert str(told.value).count("is damaged") == 1, "said once, not for every method"
    found = collected(live.explain_image(study, scene, study.cells, METHODS))
    assert {(r.cell, r.method) for r in found if r.final} == {(c, m) for c in study.cells[:-1] for m in METHODS}


def collected(steps):
    found = []
    try:
        for step in steps:
            found.append(step)
    except UserError:
        pass
    return found


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
    real = engine._result
    monkeypatch.setattr(engine, "_result", lambda *args: begun.append(args[1]) or real(*args))
    whole = len(levels(study, scene, tolerance=0.005))
    begun.clear()
    found = live.explain_image(study, scene, study.cells, METHODS, Ask(tolerance=0.005))
    next(found)
    found.close()
    work.workers().submit(lambda: None).result()
    assert len(begun) < whole / 2


def test_networks_stay_in_memory_until_the_budget_is_spent(study, monkeypatch):
    first = ready(study, study.cells[0])
    assert ready(study, study.cells[0]) is first
    monkeypatch.setattr(memory, "MODEL_BYTES", 1)
    ready(study, study.cells[1])
    assert len(memory._kept) == 1
    assert ready(study, study.cells[0]) is not first


def test_a_network_that_was_trained_anew_is_read_anew(study):
    path = study.path("models", study.cells[-1])
    prepared = ready(study, study.cells[-1])
    model, header = load_model(path)
    before = path.read_bytes()
    try:
        model.fc.bias.data += 1
        save_model(path, model, header)
        assert ready(study, study.cells[-1]) is not prepared
    finally:
        path.write_bytes(before)


def test_results_as_json_hold_no_nan(study, scene):
    found = run(study, scene)
    found[1] = replace(found[1], probability=np.nan)  # as of a network that overflows
    tree = json.loads(json.dumps(live.as_json(found, scene, study.dataset.classes, Ask()), allow_nan=False))
    assert len(tree["results"]) == len(found)
    assert tree["results"][0]["probability"] == pytest.approx(found[0].probability, abs=1e-5)
    assert tree["results"][1]["probability"] is None
    assert tree["results"][0]["completeness_gap"] is None
    assert tree["results"][0]["explained"] in study.dataset.classes
    assert list(tree["results"][0]["density"]) == list(scene.parts)


def test_every_pass_runs_in_a_thread_of_its_own_with_one_core(study, scene, monkeypatch):
    seen = []
    real = memory.Interruptible._begin

    def begin(self):
        real(self)
        seen.append((threading.current_thread().name, torch.get_num_threads()))

    monkeypatch.setattr(memory.Interruptible, "_begin", begin)
    levels(study, scene, methods=["saliency"])
    assert len(seen) == 2 * len(study.cells) + 1
    assert all(name.startswith("explain") and threads == 1 for name, threads in seen)


def test_results_on_images_of_the_study_are_computed_once(study, scene, tmp_path, monkeypatch):
    kept = live.LiveCache(tmp_path / "live")
    computed = []
    real = compute.compute

    def counted(task, *args):
        if task.kind == "map":
            computed.append(task.method)
        return real(task, *args)

    monkeypatch.setattr(compute, "compute", counted)
    first = run(study, scene, kept=kept)
    assert len(computed) == 2 * len(study.cells)
    again = run(study, scene, kept=live.LiveCache(tmp_path / "live"))
    assert len(computed) == 2 * len(study.cells), "the second time they come from the disk"
    same = {(result.cell, result.method): result for result in again}
    for one in first:
        other = same[one.cell, one.method]
        np.testing.assert_array_equal(one.map, other.map)
        assert (one.alignment, one.difference, one.evaluations) == pytest.approx(
            (other.alignment, other.difference, other.evaluations), nan_ok=True
        )
    run(study, scene, kept=kept, baseline="black", methods=["integrated_gradients"])
    assert len(computed) == 3 * len(study.cells), "another baseline is another map"


@pytest.mark.parametrize("wrong", [{"maps": np.zeros((1, 2, 2))}, {"other": np.zeros(1)}, {"gap": np.zeros(3)}])
def test_what_is_kept_and_is_no_explanation_is_made_anew(study, scene, tmp_path, monkeypatch, wrong):
    kept = live.LiveCache(tmp_path / "live")
    cells = [study.teacher]
    (first,) = run(study, scene, cells, ["saliency"], kept=kept)
    key = map_key(study.header(study.teacher), scene, "saliency", first.target, Ask())
    there = kept.get(key)
    kept._keep(key, there | wrong if wrong.keys() <= there.keys() else wrong)
    for _ in range(2):
        (again,) = run(study, scene, cells, ["saliency"], kept=live.LiveCache(tmp_path / "live"))
        np.testing.assert_array_equal(again.map, first.map)
    assert is_map(32, live.LiveCache(tmp_path / "live").get(key)), "it is mended, not only passed over"


@pytest.mark.parametrize("wrong", [{"answer": np.array([1000.0, 1.0])}, {"answer": np.zeros(3)}, {"n": np.zeros(2)}])
def test_what_is_kept_and_is_no_answer_is_asked_anew(study, scene, tmp_path, wrong):
    kept, cells = live.LiveCache(tmp_path / "live"), [study.teacher]
    (first,) = run(study, scene, cells, ["saliency"], kept=kept)
    key = answer_key(study.header(study.teacher), scene)
    kept._keep(key, wrong)
    (again,) = run(study, scene, cells, ["saliency"], kept=kept)
    assert (again.predicted, again.probability) == (first.predicted, first.probability)
    assert is_answer(len(study.dataset.classes), kept.get(key))
    assert kept.get(key)["answer"][0] == first.predicted


@pytest.mark.parametrize("target", ["teacher", "own"])
def test_what_is_kept_waits_for_nobody_and_asks_no_network(study, scene, tmp_path, monkeypatch, target):
    kept, turns = live.LiveCache(tmp_path / "live"), Turns()
    first = run(study, scene, study.cells[:2], kept=kept, target=target)
    ask = Ask(target=target)
    with Place(turns):
        with monkeypatch.context() as patch:
            patch.setattr(compute, "compute", lambda *given: pytest.fail("a network was asked"))
            again = list(live.explain_image(study, scene, study.cells[:2], METHODS, ask, kept, place=Place(turns)))
        assert [result.method for result in again] == ["saliency"] * 2 + ["integrated_gradients"] * 2
        same = {(result.cell, result.method): result for result in again}
        for one in first:
            other = same[one.cell, one.method]
            np.testing.assert_array_equal(one.map, other.map)
            assert (one.predicted, one.probability, one.target) == (other.predicted, other.probability, other.target)
            assert other.final
            assert other.alignment == pytest.approx(one.alignment, nan_ok=True)
        gone = Place(turns, lambda: False)  # it leaves as soon as it has to wait
        some = live.explain_image(study, scene, study.cells, ["saliency"], ask, kept, place=gone)
        assert [result.cell for result in islice(some, 2)] == study.cells[:2]
        with pytest.raises(Stopped):
            next(some)


def test_another_normalisation_of_the_same_weights_is_another_network(tmp_path, scene):
    study, kept = add_networks(tiny_study(tmp_path / "tiny")), live.LiveCache(tmp_path / "live")
    cells, path = [study.teacher], study.path("models", study.teacher)
    (before,) = run(study, scene, cells, ["saliency"], kept=kept)
    model, header = load_model(path)
    save_model(path, model, replace(header, std=(0.1, 0.1, 0.1)))
    (after,) = run(study, scene, cells, ["saliency"], kept=kept)
    assert not np.allclose(before.map, after.map)


def test_an_image_of_the_study_comes_with_its_parts_and_label(study):
    image = int(study.dataset.ids("test")[3])
    scene = live.scene_of_image(study, image)
    images, part_maps = study.dataset.load([image])
    np.testing.assert_array_equal(scene.image, images[0])
    np.testing.assert_array_equal(scene.part_map, part_maps[0])
    assert scene.parts == study.dataset.parts
    assert scene.label == study.labels([image])[0]
    assert {result.target for result in run(study, scene, methods=["saliency"], target="label")} == {scene.label}


def test_a_flat_image_beside_itself_blurred_has_no_map_and_no_rank(study):
    for level in (0, 128, 255):
        flat = live.scene_of(study, np.full((40, 40, 3), level, np.uint8))
        for result in run(study, flat, methods=["integrated_gradients"], baseline="blurred", score="probability"):
            assert not result.map.any()
            assert np.isnan(result.alignment)


def test_a_place_that_is_stopped_ends_it_within_one_pass(study, scene, monkeypatch):
    place, passes = Place(), []
    real = memory.Prepared.gradient

    def gradient(self, *args):
        passes.append(1)
        if len(passes) == 3:
            place.stop()
        return real(self, *args)

    found = live.explain_image(study, scene, study.cells, METHODS, Ask(tolerance=0.001), place=place)
    for cell in study.cells:
        ready(study, cell)
    monkeypatch.setattr(memory.Prepared, "gradient", gradient)
    with pytest.raises(Stopped):
        list(found)
    assert len(passes) <= 3 + len(work.workers()._threads)
    with place._turns._moved:
        assert not place._turns._line, "and the turn is given back"


def test_every_method_waits_for_its_turn_anew(study, scene):
    turns = Turns()
    place, other = Place(turns), Place(turns)
    order = []

    def wait():
        with other:
            order.append("other")

    found = live.explain_image(study, scene, study.cells, METHODS, place=place)
    order.append(next(found).method)
    thread = threading.Thread(target=wait)
    thread.start()
    while other not in turns._line:
        pass
    for result in found:
        order.append(result.method)
    thread.join(20)
    begun = order.index("integrated_gradients")
    assert order[begun - 1] == "other"
    assert set(order[: begun - 1]) == {"saliency"}


def test_one_with_many_maps_lets_others_go_first_and_loses_nothing(study, scene, monkeypatch):
    monkeypatch.setattr(turns, "SLICE", 0.0)
    methods, line, order = ["integrated_gradients"], Turns(), []
    alone = levels(study, scene, methods=methods)
    maps = {found.cell: found.map for found in alone if found.final}

    def visit(name):
        for found in live.explain_image(study, scene, study.cells, methods, place=Place(line)):
            order.append(name)
            assert not found.final or np.array_equal(found.map, maps[found.cell])

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(visit, name) for name in "ab"]:
            future.result(60)
    a, b = ([at for at, name in enumerate(order) if name == each] for each in "ab")
    assert len(a) == len(b) == len(alone)
    assert a[0] < b[-1], "each is shown something before the other has all"
    assert b[0] < a[-1]
    assert not line._line


def test_what_gives_no_sign_of_life_is_cut_off_and_the_line_goes_on(study, scene, monkeypatch):
    for cell in study.cells:
        ready(study, cell)
    monkeypatch.setattr(turns, "STUCK", 3.0)
    monkeypatch.setattr(work, "LOOK", 0.05)
    line, begun, hangs, real = Turns(), threading.Event(), threading.Event(), memory.Prepared.gradient

    def gradient(self, *args):
        if not begun.is_set():
            begun.set()
            hangs.wait(60)
        return real(self, *args)

    monkeypatch.setattr(memory.Prepared, "gradient", gradient)
    before = work.workers()
    with pytest.raises(UserError, match="no sign of life"):
        list(live.explain_image(study, scene, study.cells, METHODS, place=Place(line)))
    assert not line._line
    monkeypatch.setattr(turns, "STUCK", 60.0)
    again = live.explain_image(study, scene, study.cells, METHODS, place=Place(line))
    assert {found.cell for found in again if found.final} == set(study.cells)
    assert work.workers() is not before, "nobody waits for a thread that hangs"
    hangs.set()


def test_a_pass_is_short_while_somebody_waits(study, monkeypatch):
    prepared = ready(study, study.teacher)
    image = torch.zeros(1, 3, 32, 32)
    assert memory.Interruptible(prepared, lambda: None).chunk(image) == prepared.chunk(image)
    each = prepared._sample_bytes[3, 32, 32]
    monkeypatch.setattr(memory, "PASS_BYTES", 3 * each)
    assert memory.Interruptible(prepared, lambda: None).chunk(image) == 3
    monkeypatch.setattr(memory, "PASS_BYTES", each // 2)
    assert memory.Interruptible(prepared, lambda: None).chunk(image) == 1


def test_a_photo_is_cut_into_squares_too(study):
    photo = np.random.default_rng(0).integers(0, 255, (60, 40, 3)).astype(np.uint8)
    scene = live.scene_of(study, photo, squares=4)
    assert scene.parts[:5] == ("A1", "B1", "C1", "D1", "A2")
    assert (scene.part_map[:8, 8:16] == 2).all()
    np.testing.assert_array_equal(scene.image, live.scene_of(study, photo).image)
    (result,) = run(study, scene, [], ["saliency"])
    means = result.map.reshape(4, 8, 4, 8).mean(axis=(1, 3)).ravel()
    np.testing.assert_allclose(result.density, means, rtol=1e-4)


def test_another_cut_of_the_same_image_changes_only_what_is_said_of_parts(study):
    photo = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    found = run(study, live.scene_of(study, photo), methods=["saliency"])
    squares = live.scene_of(study, photo, squares=4)
    expected = run(study, squares, methods=["saliency"])
    again = live.settled([live.in_parts(result, squares) for result in found], study.teacher)
    for one, other in zip(again, sorted(expected, key=lambda r: [s.cell for s in again].index(r.cell)), strict=True):
        np.testing.assert_array_equal(one.density, other.density)
        assert one.alignment == other.alignment
