"""Which cells are trained together: as many as fit into memory, and fewer where that was reckoned wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.errors import UserError, memory_is_full

SHARE = 0.8
"""Of the free memory that is planned for: libraries take some for themselves, and some lies between the pieces."""


@dataclass(frozen=True)
class Need:
    """Bytes that a network takes.

    Attributes
    ----------
    kept : int
        As long as it is trained: weights and momentum, float32.
    step : int
        Besides, while it takes a step: gradients, and what each layer gave.
    forward : int
        To answer only: weights, and what is alive between two layers.
    """

    kept: int
    step: int
    forward: int


def need(model: nn.Module, images: int, side: int, dtype: torch.dtype, twice: bool = False) -> Need:
    """Reckon what training a network takes; nothing is computed.

    Parameters
    ----------
    model : nn.Module
        On the meta device (`core.models.skeleton`).
    images, side : int
        Images of a batch, and pixels of a side.
    dtype : torch.dtype
        In which it multiplies; of weights it then keeps a copy while it takes a step.
    twice : bool
        Whether it is differentiated twice (a loss on its explanations): the first gradient's layers stay too.
    """
    outputs: list[int] = []

    def count(module: nn.Module, given: Any, out: Any) -> None:
        if isinstance(out, torch.Tensor):
            outputs.append(out.numel())

    leaves = [module for module in model.modules() if next(module.children(), None) is None]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    with torch.no_grad():
        model.eval()(torch.empty(images, 3, side, side, device="meta"))
    for hook in hooks:
        hook.remove()
    weights = sum(parameter.numel() for parameter in model.parameters())
    copies = dtype.itemsize * weights if dtype != torch.float32 else 0
    layers = dtype.itemsize * sum(outputs) * (3 if twice else 1)
    between = 3 * 4 * max(outputs)
    return Need(8 * weights, 4 * weights + copies + layers + between, 4 * weights + copies + between)


@dataclass(frozen=True)
class Room:
    """How many students fit at once, at least one, and whether the images fit on the device beside them."""

    students: int
    resident: bool


def room(free: int | None, students: Sequence[Need], teacher: Need | None, images: int) -> Room:
    """Divide memory: first what one step takes and the teacher, then the images, then students.

    Students step in turn, so that however many there are, only one's activations and gradients are alive.

    Parameters
    ----------
    free : int or None
        Bytes; None where that is not known, and all students go together.
    students : sequence of Need
    teacher : Need or None
    images : int
        Bytes of all training images; the device gets them where they leave half of what students could have.
    """
    if free is None:
        return Room(len(students), False)
    largest = max(student.kept for student in students)
    left = SHARE * free - max(student.step for student in students) - (teacher.forward if teacher else 0)
    resident = 2 * images <= left - largest
    if resident:
        left -= images
    return Room(max(1, min(len(students), int(left // largest))), resident)


def free_memory(device: torch.device) -> int | None:
    """Return the bytes a device has left; None where the system does not say."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None


def in_groups(
    names: Sequence[str],
    at_once: int,
    work: Callable[[Sequence[str]], None],
    on_note: Callable[[str], None],
    halve: bool = True,
) -> None:
    """Train cells so many at once; a group that runs out of memory goes on as two halves.

    Parameters
    ----------
    names : sequence of str
        Of the cells.
    at_once : int
    work : callable
        Trains a group by its cells' names, each from where its file says that it is: what was in memory when memory ran
        out may be half a step, and counts for nothing.
    on_note : callable
        Told in a sentence that a group was split.
    halve : bool
        Whether it may be: not where other processes, which have room, train it too.

    Raises
    ------
    UserError
        Groups that failed, or a cell that does not fit alone; the others are trained first.
    """
    waiting = [names[i : i + at_once] for i in range(0, len(names), at_once)]
    failed: list[str] = []
    while waiting:
        group, full = waiting.pop(0), ""
        try:
            work(group)
        except (MemoryError, RuntimeError) as error:
            if not halve or not memory_is_full(error):
                raise
            # And no more here: while the error is handled, all that its frames hold stays in memory.
            full = "the GPU's memory" if isinstance(error, torch.OutOfMemoryError) else "this machine's memory"
        except UserError as error:
            failed.append(str(error))
        if not full:
            continue
        torch.cuda.empty_cache()
        if len(group) == 1:
            failed.append(f"{group[0]} does not fit into {full}; lower training.batch_size and run again.")
            continue
        half = len(group) // 2
        waiting[:0] = [group[:half], group[half:]]
        on_note(f"{len(group)} students at once did not fit into {full}; they go on in two halves.")
    if failed:
        raise UserError(" ".join(failed))
