import os
import pickle
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.bounded import bounded
from core.errors import UserError, memory_is_full
from core.models import build
from core.weights import load_weights, read_weights
from tests.core.test_models import equal, slim
from tests.faults import FAULTS, Faults


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for name in ("none.pth", "none.safetensors"):
        with pytest.raises(UserError, match="no file"):
            read_weights(tmp_path / name)
    with pytest.raises(UserError):
        read_weights(tmp_path)


class Payload:
    """Unpickled, it writes a file: what a malicious checkpoint does, in small."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("name", ["evil.pth", "evil.pt", "evil.safetensors"])
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_no_file_runs_code(name: str, wrapped: bool, tmp_path: Path) -> None:
    mark = tmp_path / "it ran"
    path = tmp_path / name
    content = {"state_dict": {"fc.weight": torch.zeros(1)}, "more": Payload(mark)}
    if wrapped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match="evil") as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize("what", ["cut", "nothing", "text", "list", "network"])
def test_other_files_that_are_no_weights(what: str, tmp_path: Path) -> None:
    path = tmp_path / "own.pth"
    torch.save(slim().state_dict(), path)
    whole = path.read_bytes()
    if what in ("list", "network"):
        torch.save([1, 2] if what == "list" else slim(), path)
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "nothing": b"", "text": b"hello"}[what])
    with pytest.raises(UserError, match=r"own\.pth") as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_checkpoints_as_people_write_them(tmp_path: Path) -> None:
    state = slim().state_dict()
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "a.pth")
    assert equal(read_weights(tmp_path / "a.pth"), state)
    torch.save(state, tmp_path / "b.pth")
    assert equal(read_weights(tmp_path / "b.pth"), state)
    save_file(state, tmp_path / "c.safetensors")
    assert equal(read_weights(tmp_path / "c.safetensors"), state)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")
def test_memory_that_ends_while_weights_are_read_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(8_000_000_000)  # of holes; more than tests before may have left of what they took
    with bounded(100_000_000), pytest.raises(MemoryError):
        read_weights(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("how", FAULTS["tensor"])
def test_a_tensor_that_finds_no_memory_is_no_damage(suffix: str, how: str, tmp_path: Path) -> None:
    path = tmp_path / f"small{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)({"a": torch.ones(2, 3), "b": torch.ones(())}, path)
    with Faults(tmp_path) as counted:
        read_weights(path)
    assert counted.seen["tensor"]
    for nth in range(1, counted.seen["tensor"] + 1):
        with Faults(tmp_path, "tensor", how, nth), pytest.raises(RuntimeError) as caught:
            read_weights(path)
        assert memory_is_full(caught.value), nth


def test_weights_of_another_architecture_leave_the_network_as_it_was() -> None:
    model = slim("resnet18")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(UserError, match=r"^mine\.pth do not fit: .*\(\d+ such\); is it another architecture"):
        load_weights(model, slim("resnet34").state_dict(), "mine.pth")
    with pytest.raises(UserError, match=r"where .* is needed"):
        load_weights(model, build("resnet18", 3, 0.125, "small").state_dict(), "mine.pth")
    with pytest.raises(UserError, match="missing"):
        load_weights(model, {}, "mine.pth")
    assert equal(model.state_dict(), before)
