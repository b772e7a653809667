import hashlib
import json
import os
import pickle
import socket
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image

from core import cli, imagenet, live
from core.cells import Cell
from core.errors import UserError
from core.imagenet import ImageNet, source
from core.inputs import as_input
from core.live import memory
from core.models import tv
from core.turns import Place, Stopped
from tests.imagenet import ARCHITECTURE, CELLS, served, source_at, write_weights

PHOTO = np.kron(np.random.default_rng(0).integers(0, 255, (6, 9, 3)), np.ones((50, 50, 1))).astype(np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torch's, and no network that was read before."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    memory._kept.clear()
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def small(hub, weights, monkeypatch):
    """Two networks of one file, which is on a server of this machine only."""
    monkeypatch.setattr(ImageNet, "teacher", CELLS[0])
    monkeypatch.setattr(ImageNet, "cells", CELLS)
    with served(weights.parent) as address:
        monkeypatch.setattr(imagenet, "source", source_at(f"{address}/{weights.name}"))
        yield ImageNet()


def at(url, monkeypatch):
    monkeypatch.setattr(imagenet, "source", source_at(url))


@pytest.mark.parametrize("architecture", [cell.architecture for cell in ImageNet.cells])
def test_sources_are_torchvisions_own(hub, architecture):
    own = tv.get_model_weights(architecture).DEFAULT
    found = source(architecture)
    assert found.url == own.url
    assert list(found.classes) == own.meta["categories"]
    assert found.path == hub / own.url.rpartition("/")[2]
    assert found.sha256 == own.url.rpartition("-")[2].removesuffix(".pth")
    header = ImageNet().header(Cell(architecture, None, None))
    assert (header.mean, header.std) == (tuple(own.transforms().mean), tuple(own.transforms().std))
    assert header.image_size == own.transforms().crop_size[0] == 224


@pytest.mark.parametrize("shape", [(300, 450), (450, 300), (224, 224), (100, 2000), (91, 93), (1200, 1201), (3, 2)])
def test_they_see_what_the_teachers_transforms_give(shape):
    photo = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    expected = tv.get_model_weights("resnet101").DEFAULT.transforms()(Image.fromarray(photo))
    networks = ImageNet()
    header = networks.header(networks.teacher)
    seen = as_input(networks.view(photo)[None], header.mean, header.std)[0]
    assert seen.shape == expected.shape
    levels = (seen - expected).abs() * 255 * max(header.std)
    assert levels.max() < 2.1, "but for rounding, the same"
    assert levels.mean() < 0.3


def test_the_larger_view_is_of_the_same_square():
    networks = ImageNet()
    large = Image.fromarray(networks.view(PHOTO, 448)).resize((224, 224), Image.Resampling.BOX)
    assert np.abs(np.asarray(large).astype(int) - networks.view(PHOTO)).mean() < 2


def test_a_file_put_there_is_torchvisions_network(small, hub, weights):
    write_weights(hub)
    small.fetch(lambda *progress: pytest.fail("downloaded"))
    image = torch.rand(1, 3, 224, 224)
    reference = tv.resnet18()
    reference.load_state_dict(torch.load(weights, weights_only=True))
    model = small.model(CELLS[0])
    assert not any(module.training for module in model.modules())
    torch.testing.assert_close(model(image), reference.eval()(image))


def test_what_is_missing_is_downloaded_once_and_its_progress_told(small, hub, weights):
    told = []
    small.fetch(lambda *progress: told.append(progress))
    size = weights.stat().st_size
    assert told[0] == ("ResNet101", 0, size)
    assert told[-1] == ("ResNet101", size, size)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert [path.name for path in hub.iterdir()] == [weights.name]
    assert (hub / weights.name).read_bytes() == weights.read_bytes()
    small.fetch(lambda *progress: pytest.fail("downloaded again"))


def test_what_a_killed_download_left_goes_a_day_later(small, hub, weights):
    hub.mkdir(parents=True)
    old, another = hub / f"{weights.name}.{'a' * 32}.partial", hub / f"{weights.name}.{'b' * 32}.partial"
    for path in (old, another):
        path.write_bytes(b"begun")
    os.utime(old, times=(time.time() - imagenet.STALE - 60,) * 2)
    small.fetch()
    assert {path.name for path in hub.iterdir()} == {weights.name, another.name}, "which another server may be writing"


def test_who_asks_meanwhile_waits_for_that_one_download(small, hub, monkeypatch):
    begun, go_on, opened, told = threading.Event(), threading.Event(), [], []
    real = imagenet.urlopen
    monkeypatch.setattr(imagenet, "urlopen", lambda *given, **named: (opened.append(1), real(*given, **named))[1])

    def slow(*progress):
        begun.set()
        assert go_on.wait(20)

    def waiting(*progress):
        told.append(progress)
        go_on.set()

    first = threading.Thread(target=small.fetch, args=(slow,))
    first.start()
    assert begun.wait(20)
    small.fetch(waiting)
    first.join(20)
    assert told[0][0] == "ResNet101"
    assert len(opened) == 1
    assert small.model(CELLS[0]) is not None


def test_a_download_stops_at_once_and_leaves_nothing(small, hub):
    place = Place()

    def stop(name, done, total):
        if done:
            place.stop()

    with pytest.raises(Stopped):
        small.fetch(stop, place.check)
    assert not list(hub.iterdir())
    small.fetch()
    assert list(hub.iterdir())


def test_what_is_not_what_its_name_promises_is_not_kept(small, hub, weights, tmp_path, monkeypatch):
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / weights.name).write_bytes(weights.read_bytes()[:-1] + b"!")
    at((tmp_path / "server" / weights.name).as_uri(), monkeypatch)
    with pytest.raises(UserError, match="what came is damaged"):
        small.fetch()
    assert not list(hub.iterdir())


def test_a_damaged_file_is_told_and_not_read(small, hub, weights):
    hub.mkdir(parents=True)
    (hub / weights.name).write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match="is damaged, or not torchvision's"):
        small.model(CELLS[0])


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code from a file was run",))


def test_a_file_cannot_run_code(small, hub, weights, monkeypatch):
    hub.mkdir(parents=True)
    content = pickle.dumps({"fc.weight": Bomb()}, protocol=2)
    path = hub / f"{ARCHITECTURE}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    path.write_bytes(content)
    at(f"http://localhost/{path.name}", monkeypatch)
    with pytest.raises(UserError):
        small.model(CELLS[0])


@pytest.mark.parametrize("trouble", ["nobody answers", "no such file", "no such host"])
def test_offline_is_one_sentence_that_helps(small, hub, weights, trouble, monkeypatch):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    address = {
        "nobody answers": f"http://localhost:{port}/{weights.name}",
        "no such file": f"{imagenet.source(ARCHITECTURE).url}x",
        "no such host": f"http://host.invalid/{weights.name}",
    }[trouble]
    at(address, monkeypatch)
    with pytest.raises(UserError) as told:
        small.fetch()
    said = str(told.value)
    assert said.startswith("The ImageNet weights of ResNet101 are not on this machine, and could not be downloaded (")
    assert f"put the file {address} into {hub}" in said
    assert "\n" not in said
    assert not list(hub.iterdir())


def test_a_disk_that_cannot_be_written_is_told(small, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match="could not be downloaded"):
        small.fetch()


def test_networks_that_are_not_there_are_one_sentence(small, hub):
    scene = live.scene_of(small, PHOTO)
    with pytest.raises(UserError, match=r"The ImageNet weights of ResNet101 are not on this machine: put the file"):
        list(live.explain_image(small, scene, CELLS, ["saliency"]))


def test_a_photo_is_answered_explained_and_compared(small, hub, weights):
    small.fetch()
    scene = live.scene_of(small, PHOTO, squares=4)
    assert scene.image.shape == (224, 224, 3)
    found = live.settled(live.explain_image(small, scene, CELLS, ["saliency"]), small.teacher)
    reference = tv.resnet18()
    reference.load_state_dict(torch.load(weights, weights_only=True))
    header = small.header(CELLS[0])
    x = as_input(scene.image[None], header.mean, header.std).requires_grad_()
    logits = reference.eval()(x)
    (gradient,) = torch.autograd.grad(logits.max(), x)
    assert [result.cell for result in found] == list(CELLS)
    for result in found:
        assert result.predicted == logits.argmax()
        assert result.probability == pytest.approx(float(logits.detach().softmax(1).max()), abs=1e-4)
        np.testing.assert_allclose(result.map, gradient[0].abs().amax(0), atol=0.02 * float(gradient.abs().max()))
        assert result.alignment == pytest.approx(1)
        assert len(result.density) == 16


def test_the_command_asks_them_too(small, tmp_path, monkeypatch, capsys):
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    given = ["explain", "imagenet", tmp_path / "photo.png", "--method", "saliency", "--out", tmp_path / "out"]
    monkeypatch.setattr("sys.argv", ["core", *map(str, given)])
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setattr(ImageNet, "knows", "things")
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert done.value.code == 0
    told = capsys.readouterr().out
    assert "These networks know things." in told
    assert "ResNet18: " in told
    found = json.loads((tmp_path / "out" / "explanations.json").read_text())
    assert found["networks"] == "ImageNet"
    (image,) = found["images"].values()
    assert [result["rank_alignment"] for result in image["results"]] == [1, 1]
    assert {result["predicted"] for result in image["results"]} <= set(small.header(small.teacher).classes)
    assert Image.open(tmp_path / "out" / "photo" / "saliency" / "ResNet18.png").size == (448, 448)


def test_networks_by_name():
    networks = ImageNet()
    assert networks.cell("ResNet50") == networks.cells[1]
    with pytest.raises(UserError, match="Did you mean resnet50"):
        networks.cell("resnet5")
