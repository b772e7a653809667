import numpy as np
import pytest

from core import live
from core.ask import Ask
from core.live import check as engine
from core.live import compute, memory
from core.methods import METHODS
from core.trust import Trust, badge
from tests.networks import add_networks
from tests.tiny import tiny_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return add_networks(tiny_study(tmp_path_factory.mktemp("trust") / "tiny"))


@pytest.fixture(autouse=True)
def _empty_memory():
    memory._kept.clear()


@pytest.fixture(scope="module")
def scene(study):
    photo = np.kron(np.random.default_rng(0).integers(0, 255, (6, 9, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    return live.scene_of(study, photo)


def same(a: Trust, b: Trust) -> bool:
    return all(
        np.array_equal(x, y, equal_nan=True) for x, y in zip(a.arrays().values(), b.arrays().values(), strict=True)
    )


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_checked(study, scene, method):
    cells = [study.teacher, study.cells[-1]]
    found = list(live.check_maps(study, scene, cells, method))
    assert [each.cell for each in found] == cells
    for each in found:
        assert each.method == method
        assert badge(each.trust)[0] in ("passes", "partly", "fails", "flat")
        if each.trust.signal:
            assert np.isfinite(each.trust.deletion).all()
            assert np.isfinite(each.trust.randomisation).all()


def test_methods_are_held_against_one_of_another_kind():
    pairs = {method: engine.counterpart(method) for method in METHODS}
    assert pairs["saliency"] == pairs["grad_cam"] == "integrated_gradients"
    assert pairs["integrated_gradients"] == pairs["captum"] == "saliency"


def test_the_error_bar_and_the_gap_are_the_maps_own(study, scene):
    shown = list(live.explain_image(study, scene, [study.teacher], ["integrated_gradients"], Ask(tolerance=0.02)))[-1]
    (found,) = live.check_maps(study, scene, [study.teacher], "integrated_gradients", Ask(tolerance=0.02))
    assert found.trust.difference == pytest.approx(shown.difference)
    assert found.trust.gap == pytest.approx(shown.gap)


def test_maps_that_are_there_are_not_made_again(study, scene, monkeypatch):
    methods = ["saliency", "integrated_gradients"]
    there = list(live.explain_image(study, scene, study.cells, methods))
    expected = list(live.check_maps(study, scene, study.cells, "saliency"))
    monkeypatch.setattr(engine, "explain_image", lambda *given: pytest.fail("explained again"))
    found = list(live.check_maps(study, scene, study.cells, "saliency", found=there))
    assert all(same(a.trust, b.trust) for a, b in zip(found, expected, strict=True))


def test_what_was_found_is_kept_on_disk_if_asked(study, scene, tmp_path, monkeypatch):
    kept = live.LiveCache(tmp_path / "live")
    cells = [study.teacher]
    (first,) = live.check_maps(study, scene, cells, "saliency", kept=kept)
    with monkeypatch.context() as patch:
        patch.setattr(compute, "trust", lambda *given, **named: pytest.fail("checked again"))
        (again,) = live.check_maps(study, scene, cells, "saliency", kept=live.LiveCache(kept.folder))
        assert same(first.trust, again.trust)
        assert again.trust.signal is first.trust.signal
        (target,) = {one.target for one in live.explain_image(study, scene, cells, ["saliency"], kept=kept)}
        targets = dict.fromkeys([*cells, study.cells[-1]], target)
        known = live.known_checks(study, scene, "saliency", targets, Ask(), live.LiveCache(kept.folder))
        assert list(known) == cells, "what check_maps kept is found under the same key, and nothing is computed"
        assert same(known[study.teacher], first.trust)
    (other,) = live.check_maps(study, scene, cells, "saliency", Ask(baseline="black"), kept)
    assert not same(first.trust, other.trust)


def test_a_visitors_image_leaves_nothing_on_disk(study, scene, tmp_path, monkeypatch):
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    list(live.check_maps(study, scene, [study.teacher], "saliency"))
    assert not list(tmp_path.rglob("*"))


def test_one_map_at_a_time_and_none_after_it_is_closed(study, scene, monkeypatch):
    calls = []
    trust = compute.trust
    monkeypatch.setattr(compute, "trust", lambda *given, **named: (calls.append(1), trust(*given, **named))[1])
    found = live.check_maps(study, scene, study.cells, "saliency")
    assert calls == []
    next(found)
    found.close()
    assert calls == [1]


def test_a_network_that_is_missing_is_told_and_the_others_are_checked(study, scene):
    path = study.path("models", study.cells[-1])
    away = path.rename(path.with_suffix(".away"))
    try:
        found = live.check_maps(study, scene, study.cells, "saliency")
        for cell in study.cells[:-1]:
            assert next(found).cell == cell
        with pytest.raises(Exception, match="There is no file"):
            next(found)
    finally:
        away.rename(path)
