from typing import Any, get_args

import numpy as np
import pytest
import torch

from core import config
from core.attribution import Prepared, Settings, explain, integrated_gradients, saliency
from core.errors import UserError
from core.methods import METHODS, relevance
from tests.core.attribution.nets import SIDE, photos, trained


def test_methods_are_declared() -> None:
    signed = {"integrated_gradients", "captum", "input_x_gradient"}
    assert {name for name, method in METHODS.items() if method.signed} == signed
    assert set(METHODS) - signed == {"saliency", "smoothgrad", "grad_cam"}
    for name, method in METHODS.items():
        assert method.name == name
        assert method.sentence.endswith(".")
        assert method.label
        assert method.reference
        assert method.channels


def test_a_study_may_ask_for_every_method_but_has_two_by_itself() -> None:
    assert get_args(config.Method) == tuple(METHODS)
    assert config.Explain().methods == ["saliency", "integrated_gradients"]


def test_settings_reach_the_method() -> None:
    model, images, targets = trained()
    regions = np.repeat([1, 2], SIDE // 2)[None, None].repeat(SIDE, 1).repeat(6, 0)
    given: dict[str, Any] = {"score": "probability", "tolerance": 0.05, "stop_on": "regions", "budget": 100}
    begin = 0.2 * photos(1, SIDE, SIDE)
    found = explain(
        Prepared(model, images),
        images,
        targets,
        ["integrated_gradients"],
        Settings(**given),
        baseline=begin,
        regions=regions,
    )
    expected = integrated_gradients(Prepared(model, images), images, targets, baseline=begin, regions=regions, **given)
    for name, value in vars(expected).items():
        np.testing.assert_array_equal(getattr(found["integrated_gradients"], name), value)


@pytest.mark.parametrize("methods", [["saliency", "integrated_gradients"], ["integrated_gradients", "saliency"]])
def test_saliency_comes_along_for_nothing(methods: list[str]) -> None:
    model, images, targets = trained()
    prepared, settings = Prepared(model, images), Settings(score="log_softmax", budget=9)
    prepared.chunk(images[:1])
    seen: list[int] = []
    prepared.body.register_forward_hook(lambda module, given, out: seen.append(len(out)))
    found = explain(prepared, images, targets, methods, settings)
    assert list(found) == methods
    assert sum(seen) == 6 * 9
    alone = saliency(Prepared(model, images), images, targets, "log_softmax")
    for name, value in vars(alone).items():
        got = getattr(found["saliency"], name)
        if value is None:
            assert got is None
        else:
            assert got.dtype == value.dtype
            np.testing.assert_allclose(got, value, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients"])
def test_a_method_alone_is_itself(method: str) -> None:
    model, images, targets = trained()
    found = explain(Prepared(model, images), images, targets, [method])
    run = {"saliency": saliency, "integrated_gradients": integrated_gradients}[method]
    np.testing.assert_array_equal(found[method].maps, run(Prepared(model, images), images, targets).maps)  # type: ignore[operator]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_images_give_no_maps(method: str) -> None:
    model, images, _ = trained()
    got = explain(Prepared(model, images), photos(0, SIDE, SIDE), np.zeros(0, dtype=int), [method])[method]
    assert got.maps.shape == (0, SIDE, SIDE)
    assert got.converged.dtype == np.bool_


def test_the_logit_is_explained_not_the_probability() -> None:
    model, images, targets = trained()
    shift = torch.nn.Linear(4, 4).double()
    with torch.no_grad():
        shift.weight.copy_(torch.eye(4))
        shift.bias.copy_(torch.tensor([0.0, 0.0, 50.0, 0.0]))
    shifted = torch.nn.Sequential(model, shift).eval()
    for method in ("saliency", "integrated_gradients"):
        a, b = (explain(Prepared(m, images), images, targets, [method])[method].maps for m in (model, shifted))
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_relevance_is_the_size_of_a_signed_map() -> None:
    maps = -np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    for method in ("integrated_gradients", "captum"):
        np.testing.assert_array_equal(relevance(maps, method), -maps)
    np.testing.assert_array_equal(relevance(-maps, "saliency"), -maps)


def test_unknown_methods_are_refused() -> None:
    model, images, targets = trained()
    with pytest.raises(UserError, match="Did you mean saliency"):
        explain(Prepared(model, images), images, targets, ["salience"])
    with pytest.raises(UserError, match="Did you mean saliency"):
        relevance(np.zeros((1, 2, 2), np.float32), "salience")
