import hashlib
import json
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from core.errors import UserError
from core.header import Header, read_header
from core.models import (
    RESNETS,
    architectures,
    build,
    check_size,
    initialise,
    load_model,
    network_digest,
    save_model,
)

# core.models makes it importable beside a torch for CPUs.
import torchvision.models as tv  # isort: skip

SLIM = {"width": 0.0625, "stem": "small"}


def header(architecture: str = "resnet18", **changes: object) -> Header:
    given = {
        "architecture": architecture,
        **SLIM,
        "classes": ("wren", "robin", "tit"),
        "image_size": 32,
        "mean": (0.1, 0.2, 0.3),
        "std": (0.4, 0.5, 0.6),
        **changes,
    }
    return Header(**given)  # type: ignore[arg-type]


def slim(architecture: str = "resnet18", classes: int = 3, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    model = build(architecture, classes, **SLIM)
    with torch.no_grad():  # statistics and residuals that are not those of the beginning
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.running_mean.normal_()
    return model


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("name", RESNETS)
def test_at_full_width_it_is_torchvisions_network(name: str) -> None:
    torch.manual_seed(0)
    theirs = tv.get_model(name, num_classes=7)
    ours = build(name, 7)
    shapes = [{k: tuple(v.shape) for k, v in model.state_dict().items()} for model in (theirs, ours)]
    assert list(shapes[0].items()) == list(shapes[1].items())
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(theirs.eval()(x), ours.eval()(x))


def parameters(name: str, width: float, stem: str, classes: int) -> int:
    """He et al. 2016, table 1, counted layer by layer."""
    planes = [round(width * p) for p in (64, 128, 256, 512)]
    deep = name in ("resnet50", "resnet101")
    blocks = {"resnet18": [2, 2, 2, 2], "resnet101": [3, 4, 23, 3]}.get(name, [3, 4, 6, 3])
    kernel = 3 if stem == "small" else 7
    count, before = 3 * kernel**2 * planes[0] + 2 * planes[0], planes[0]
    for stage, (p, repeats) in enumerate(zip(planes, blocks, strict=True)):
        after = 4 * p if deep else p
        for i in range(repeats):
            count += before * p + 9 * p * p + p * after if deep else 9 * before * p + 9 * p * p
            count += 2 * (2 * p + after) if deep else 2 * 2 * p
            if before != after or (stage > 0 and i == 0):
                count += before * after + 2 * after
            before = after
    return count + (before + 1) * classes


@pytest.mark.parametrize("name", RESNETS)
@pytest.mark.parametrize(("width", "stem"), [(0.0625, "small"), (0.11, "small"), (0.25, "imagenet")])
def test_a_slim_network_has_the_parameters_it_should(name: str, width: float, stem: str) -> None:
    model = build(name, 12, width, stem)
    assert sum(p.numel() for p in model.parameters()) == parameters(name, width, stem, 12)


def test_the_count_itself_is_right() -> None:
    """The published 11.69, 21.80, 25.56 and 44.55 million."""
    assert [parameters(name, 1, "imagenet", 1000) for name in RESNETS] == [11689512, 21797672, 25557032, 44549160]


def test_the_small_stem_keeps_the_resolution() -> None:
    model = build("resnet18", 3, **SLIM)
    seen: list[tuple[int, ...]] = []
    model.layer1.register_forward_pre_hook(lambda module, given: seen.append(tuple(given[0].shape)))
    model(torch.zeros(2, 3, 32, 32))
    assert seen == [(2, 4, 32, 32)]


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_fresh_residual_branch_is_silent(name: str) -> None:
    block = build(name, 3, **SLIM).layer1[-1].eval()
    channels = block.conv1.in_channels
    x = torch.rand(1, channels, 8, 8)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("name", ["squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small", "googlenet", "vit_b_32"])
def test_other_classifiers_are_built_by_name(name: str) -> None:
    model = build(name, 5)
    out = model(torch.zeros(2, 3, 224 if name == "vit_b_32" else 64, 224 if name == "vit_b_32" else 64))
    assert isinstance(out, torch.Tensor), "one tensor in training too"
    assert out.shape == (2, 5)


def test_what_cannot_be_built_is_said() -> None:
    with pytest.raises(UserError, match=r"no architecture called 'resnet19'. Did you mean .*resnet18"):
        build("resnet19", 3)
    with pytest.raises(UserError, match=r"squeezenet1_1 comes only at width = 1 .*resnet18"):
        build("squeezenet1_1", 3, 0.5)
    with pytest.raises(UserError, match="stem"):
        build("squeezenet1_1", 3, stem="small")
    assert "resnet18" in architectures()
    assert not {"fcn_resnet50", "fasterrcnn_resnet50_fpn"} & set(architectures()), "classifiers only"


def test_saved_and_loaded_it_is_itself_but_for_half_precision(tmp_path: Path) -> None:
    model = slim("resnet50")
    path = tmp_path / "models" / "a.safetensors"
    written = save_model(path, model, header("resnet50", alpha=0.1, seed=3, teacher="abc"))
    before = torch.random.get_rng_state()
    loaded, read = load_model(path)
    assert torch.equal(torch.random.get_rng_state(), before), "loading draws no random numbers"
    assert read == written == read_header(path)
    assert read == header("resnet50", alpha=0.1, seed=3, teacher="abc", digest=written.digest)
    rounded = {k: v.half().float() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    assert equal(loaded.state_dict(), rounded)
    assert not any(module.training for module in loaded.modules())
    assert not any(p.requires_grad for p in loaded.parameters())
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    # Saved again it is the same file: half precision is the last word.
    save_model(tmp_path / "b.safetensors", loaded, written)
    assert (tmp_path / "b.safetensors").read_bytes() == path.read_bytes()


def test_the_header_is_there_for_others_to_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_model(path, slim(), header(alpha=0.1, seed=0, teacher="abc"))
    with safe_open(path, "pt") as file:
        meta = {k: json.loads(v) for k, v in file.metadata().items() if k != "format"}
    assert set(meta) >= {"architecture", "width", "stem", "classes", "alpha", "seed", "teacher", "digest"}
    assert meta["classes"] == ["wren", "robin", "tit"]
    assert meta["alpha"] == 0.1


def test_the_digest_names_the_weights_and_nothing_else(tmp_path: Path) -> None:
    model = slim()
    first = save_model(tmp_path / "a", model, header(alpha=1.0))
    assert save_model(tmp_path / "b", model, header(alpha=0.5)).digest == first.digest
    assert save_model(tmp_path / "c", slim(seed=1), header()).digest != first.digest
    one = {"a": torch.zeros(2, 3)}
    assert network_digest(one) == hashlib.sha256(b"a torch.float32 (2, 3)" + bytes(24)).hexdigest()
    for other in ({"b": torch.zeros(2, 3)}, {"a": torch.zeros(3, 2)}, {"a": torch.zeros(2, 3).int()}):
        assert network_digest(other) != network_digest(one)
    transposed = torch.arange(6.0).view(3, 2).t()
    assert network_digest({"a": transposed}) == network_digest({"a": transposed.contiguous()}), "values, not memory"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.safetensors"
    save_model(path, slim(), header())
    return path


@pytest.mark.parametrize("what", ["weight", "header", "length", "cut", "nothing", "text"])
def test_a_damaged_file_is_one_sentence(what: str, saved: Path) -> None:
    whole = saved.read_bytes()
    damage = {
        "weight": whole[:-1001] + bytes([whole[-1001] ^ 4]) + whole[-1000:],
        "header": whole[:30] + b"\xff" + whole[31:],
        "length": b"\xff" + whole[1:],
        "cut": whole[: len(whole) // 2],
        "nothing": b"",
        "text": b"Once upon a time there was a network.",
    }
    saved.write_bytes(damage[what])
    with pytest.raises(UserError, match=r"saved\.safetensors.* damaged") as caught:
        load_model(saved)
    assert "\n" not in str(caught.value)


def test_a_header_that_does_not_fit_its_weights_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    save_model(path, slim("resnet34"), header("resnet18"))
    with pytest.raises(UserError, match=r"odd\.safetensors do not fit: layer1\.2\.bn1\.bias is not part.*architecture"):
        load_model(path)
    save_model(path, slim("resnet18"), header("resnet18", classes=("wren", "robin")))
    with pytest.raises(UserError, match=r"fc\.bias is \(3,\) where \(2,\) is needed"):
        load_model(path)


def test_files_that_are_not_there_or_not_ours(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file .*none\.safetensors"):
        load_model(tmp_path / "none.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(UserError, match="not one of this tool's networks"):
        load_model(tmp_path / "foreign.safetensors")


def test_no_initial_weights_change_nothing() -> None:
    model = slim()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    initialise(model, "resnet18", "none")
    assert equal(model.state_dict(), before)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_initial_weights_from_a_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    state = slim(seed=1).state_dict()
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    model = slim()
    initialise(model, "resnet18", str(path))
    assert equal(model.state_dict(), state)


@pytest.mark.parametrize(("name", "head"), [("resnet18", "fc"), ("squeezenet1_1", "classifier.1")])
def test_a_head_of_other_classes_keeps_its_fresh_weights(name: str, head: str, tmp_path: Path) -> None:
    make = slim if name == "resnet18" else lambda classes: build(name, classes)
    theirs, model = make(classes=10).state_dict(), make(classes=3)
    save_file(theirs, tmp_path / "w.safetensors")
    fresh = {k: v.clone() for k, v in model.state_dict().items()}
    initialise(model, name, str(tmp_path / "w.safetensors"))
    for key, value in model.state_dict().items():
        assert torch.equal(value, fresh[key] if key.startswith(head) else theirs[key]), key


@pytest.mark.parametrize("error", [URLError("Name or service not known"), RuntimeError("invalid hash value")])
def test_imagenet_weights_without_a_network_are_one_sentence(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(UserError, match=r"ImageNet weights of resnet18 could not be downloaded.*path of a"):
        initialise(build("resnet18", 3), "resnet18", "imagenet")


def test_imagenet_weights_keep_a_head_for_the_studys_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    theirs = tv.resnet18().state_dict()
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lambda *args, **kwargs: theirs)
    model = build("resnet18", 3)
    initialise(model, "resnet18", "imagenet")
    own = model.state_dict()
    assert own["fc.weight"].shape == (3, 512)
    assert all(torch.equal(own[k], theirs[k]) for k in theirs if not k.startswith("fc."))
    with pytest.raises(UserError, match="do not fit"):
        initialise(slim(), "resnet18", "imagenet")


@pytest.mark.parametrize("stem", ["imagenet", "small"])
@pytest.mark.parametrize("architecture", RESNETS)
def test_a_residual_network_takes_images_of_any_size(architecture: str, stem: str) -> None:
    """Which is said without trying: `check_size`."""
    assert build(architecture, 2, 0.05, stem).eval()(torch.zeros(1, 3, 1, 1)).shape == (1, 2)


def test_a_size_a_network_cannot_take_is_met_before_anything_is_trained() -> None:
    check_size("resnet18", 0.11, "small", 32)
    check_size("vgg11", 1.0, "imagenet", 32)
    with pytest.raises(UserError, match="vit_b_16 cannot take images of 64 pixels"):
        check_size("vit_b_16", 1.0, "imagenet", 64)
