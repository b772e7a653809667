"""How many students go together, and what happens where that was too many."""

from collections.abc import Sequence

import pytest
import torch

from core.distill.groups import SHARE, Need, Room, free_memory, in_groups, need, room
from core.errors import UserError
from core.models import build, skeleton

BIG, SMALL, TEACHER = Need(100, 300, 0), Need(40, 200, 0), Need(0, 0, 60)


@pytest.mark.parametrize(
    ("free", "images", "found"),
    [
        (None, 1, Room(3, False)),
        (10**6, 1000, Room(3, True)),
        (660 / SHARE, 10**6, Room(3, False)),  # 300 for a step, 60 for the teacher, 3 × 100
        (659 / SHARE, 10**6, Room(2, False)),
        (660 / SHARE, 100, Room(2, True)),  # as many bytes of images as one student takes
        (660 / SHARE, 101, Room(3, False)),  # more than half of what the students beyond the first could have
        (1, 10**6, Room(1, False)),
    ],
)
def test_memory_is_divided(free: float | None, images: int, found: Room) -> None:
    assert room(free if free is None else round(free), [SMALL, BIG, SMALL], TEACHER, images) == found


@pytest.mark.parametrize("architecture", ["resnet18", "resnet50"])
def test_what_a_step_takes_is_about_what_it_keeps_for_its_backward_pass(architecture: str) -> None:
    model = build(architecture, 5, 0.125, "small")
    held: dict[int, int] = {p.untyped_storage().data_ptr(): 0 for p in model.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held.setdefault(storage.data_ptr(), storage.nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = model(torch.randn(4, 3, 48, 48))
    del out
    numbers = sum(p.numel() for p in model.parameters())
    found = need(skeleton(architecture, 5, 0.125, "small"), 4, 48, torch.float32)
    assert found.kept == 8 * numbers
    activations = found.step - 4 * numbers
    assert 0.8 < activations / sum(held.values()) < 1.8
    assert found.forward < found.step
    half = need(skeleton(architecture, 5, 0.125, "small"), 4, 48, torch.bfloat16)
    assert 0.5 < (half.step - 6 * numbers) / activations < 0.7
    assert need(skeleton(architecture, 5, 0.125, "small"), 4, 48, torch.float32, twice=True).step > 2 * found.step


def test_the_free_memory_is_some_or_unknown() -> None:
    free = free_memory(torch.device("cpu"))
    assert free is None or 10**6 < free < 10**14


def test_a_group_that_is_too_large_goes_on_in_halves() -> None:
    done: list[list[str]] = []
    tried: list[int] = []
    notes: list[str] = []

    def work(group: Sequence[str]) -> None:
        tried.append(len(group))
        if len(group) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        done.append(list(group))

    in_groups(list("abcdefgh"), 5, work, notes.append)
    assert done == [["a", "b"], ["c"], ["d", "e"], ["f"], ["g", "h"]]
    assert tried == [5, 2, 3, 1, 2, 3, 1, 2]
    assert notes[0] == "5 students at once did not fit into the GPU's memory; they go on in two halves."
    assert len(notes) == 3


def test_what_does_not_fit_alone_or_fails_is_named_when_the_others_are_done() -> None:
    done: list[str] = []

    def work(group: Sequence[str]) -> None:
        if "b" in group:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        if "c" in group:
            raise UserError("c: the loss is not a number.")
        done.extend(group)

    with pytest.raises(UserError, match=r"^c: the loss is not a number\. b does not fit .* lower training\.batch_size"):
        in_groups(["c", "b", "d"], 1, work, lambda sentence: None)
    assert done == ["d"]


def test_memory_of_the_group_is_free_before_its_halves_begin() -> None:
    class Large:
        alive = 0

        def __init__(self) -> None:
            Large.alive += 1

        def __del__(self) -> None:
            Large.alive -= 1

    def work(group: Sequence[str]) -> None:
        assert Large.alive == 0
        held = Large()
        if len(group) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        del held

    in_groups(["a", "b"], 2, work, lambda sentence: None)
