"""What a network costs: parameters, multiply-accumulates, bytes on disk, and the time an image takes."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from core.columns import COSTS
from core.models import build, half

if TYPE_CHECKING:
    from core.study import Study

COLUMNS = list(COSTS)
"""Of `costs`. `cell` is an imported network's own name, "" for the architectures of the grid."""
ROUNDS, LEAST_ROUNDS, SECONDS, WARM_UP = 40, 5, 30.0, 3
"""Of `latency`: how often each network is timed, at least, and for how long in all; passes before the first."""
FINE = 1e-5
"""Seconds: a clock that moves in longer steps is of no use."""


def parameters(model: nn.Module) -> int:
    """Count the numbers that training sets; the running means of BatchNorm are not among them."""
    return sum(parameter.numel() for parameter in model.parameters())


def macs(model: nn.Module, image_size: int) -> int:
    """Count the multiply-accumulates of one image: those of convolutions and of matrix products, attention's too.

    What is added or scaled element by element is left out, as in published counts: this agrees with torchvision's own
    for all of its classifiers.

    Parameters
    ----------
    model : Module
        In evaluation mode, on any device; it is not run.
    image_size : int
        Pixels of a side.
    """
    tensors = chain(model.named_parameters(), model.named_buffers())
    shapes = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors}
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        functional_call(model, shapes, (torch.empty(1, 3, image_size, image_size, device="meta"),))
    return int(counter.get_total_flops()) // 2


def file_size(model: nn.Module) -> int:
    """Return the bytes of a network's weights as fp16 safetensors, the names and shapes of its tensors included.

    A narrow ResNet101 spends a twentieth of its file on those. What a study writes beside them (classes, α, …: under a
    kilobyte) differs from cell to cell and is not counted.
    """
    return len(save(half(model)))


def latency(
    models: Mapping[str, nn.Module],
    image_size: int,
    device: str,
    rounds: int = ROUNDS,
    report: Callable[[float], None] = lambda share: None,
    clock: Callable[[], float] | None = None,
) -> dict[str, np.ndarray]:
    """Time one image after the other through each network, batch 1, fp32.

    The networks take turns, in another order every round, so that a machine that slows down slows all of them alike.
    On the CPU they get one thread, as in a study, and its processor time is taken: on a machine with nothing else to do
    that is the time that passes, and what other programs take meanwhile is not in it (beside a load of seven on two
    cores it moved by 3 %, the time that passes up to threefold). A pass that is not timed goes before each that is: it
    brings the network's weights into the caches, where they are when images come one after the other.

    Parameters
    ----------
    models : mapping of str to Module
        In evaluation mode; moved to the device, and left there.
    image_size : int
        Pixels of a side.
    device : str
        "cpu" or "cuda", which is waited for before the clock is read.
    rounds : int
        Fewer where they would take over half a minute, but at least five.
    report : callable
        Told the share that is done.
    clock : callable
        Seconds; by default processor time on the CPU, where the system has it fine enough, else the time that passes.

    Returns
    -------
    dict of str to ndarray, (rounds,)
        Milliseconds of every timed pass.
    """
    times: dict[str, list[float]] = {name: [] for name in models}
    order = np.random.default_rng(0)
    image = torch.randn(1, 3, image_size, image_size, generator=torch.Generator().manual_seed(0)).to(device)
    clock = clock or _clock(device)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    with _one_thread(), torch.inference_mode():
        for model in models.values():
            model.to(device)
            for _ in range(WARM_UP):
                model(image)
        begun = time.monotonic()
        for done in range(rounds):
            if done >= LEAST_ROUNDS and time.monotonic() - begun > SECONDS:
                break
            for name in order.permutation(list(models)).tolist():
                models[name](image)
                wait()
                start = clock()
                models[name](image)
                wait()
                times[name].append(1000 * (clock() - start))
            report((done + 1) / rounds)
    return {name: np.array(each) for name, each in times.items()}


def costs(study: "Study", device: str, report: Callable[[float, str], None] = lambda share, word: None) -> pd.DataFrame:
    """Measure every architecture of a study, and every imported network: one row (`COLUMNS`) a network and measure.

    Parameters, multiply-accumulates and bytes follow from the architecture. The latencies were measured here and now:
    `estimate` is the median of `n` passes, `low` and `high` are the quartiles, and another run gives others.

    Parameters
    ----------
    study : Study
        Nothing of it needs to be trained: networks are built anew.
    device : str
        Where the study's networks run; on "cuda" they are timed there as well as on the CPU.
    report : callable
        Told the share that is done, and a word on it.
    """
    size, classes = study.config.data.image_size, len(study.dataset.classes)
    students = study.config.students
    kinds: dict[tuple[str, str], tuple[float, str]] = {}
    for cell in study.cells:
        of = study.header(cell) if cell.own_name else students
        kinds[cell.own_name, cell.architecture] = (of.width, of.stem)
    models: dict[str, nn.Module] = {}
    rows = []
    for (own_name, architecture), (width, stem) in kinds.items():
        with torch.random.fork_rng(devices=[]):
            model = build(architecture, classes, width, stem).eval()
        models[f"{own_name}/{architecture}"] = model
        for measure, value in (
            ("parameters", parameters(model)),
            ("macs", macs(model, size)),
            ("file_size", file_size(model)),
        ):
            rows.append((own_name, architecture, measure, float(value), float(value), float(value), 1))
    devices = ["cpu", "cuda"] if device == "cuda" else ["cpu"]
    for turn, place in enumerate(devices):

        def tell(share: float, turn: int = turn, place: str = place) -> None:
            report((turn + share) / len(devices), f"timing networks ({place})")

        for name, times in latency(models, size, place, report=tell).items():
            own_name, _, architecture = name.partition("/")
            low, middle, high = np.quantile(times, [0.25, 0.5, 0.75]).tolist()
            rows.append((own_name, architecture, f"latency_{place}", middle, low, high, len(times)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _clock(device: str) -> Callable[[], float]:
    fine = time.get_clock_info("process_time").resolution <= FINE  # Windows counts in steps of 16 ms
    return time.process_time if device == "cpu" and fine else time.perf_counter


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
