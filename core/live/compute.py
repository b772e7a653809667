"""One network at work on one image."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from core.attribution import Settings, baseline, explain, refine
from core.header import Header
from core.inputs import as_input
from core.live.cache import Arrays
from core.live.memory import Interruptible, ready
from core.live.task import Task
from core.trust.run import trust

COARSE = 9
"""Gradients of a map through shuffled weights: its ρ is the same to .01 as that of a map refined to the end."""
INSTEAD = {"captum": "integrated_gradients"}
"""The same map with fewer gradients."""


def compute(task: Task, header: Header, read: Callable[[], nn.Module], check: Callable[[], None]) -> Iterator[Arrays]:
    """Do a task, and yield what is found (`Task.kind`).

    Parameters
    ----------
    task : Task
    header : Header
        Of the network asked.
    read : callable
        Returns that network, if it is not in memory.
    check : callable
        Called before every pass through the network; what it raises ends the task.

    Raises
    ------
    UserError
        The network is missing or damaged.
    """
    network = Interruptible(ready(header, read), check)
    x = as_input(task.image[None], header.mean, header.std)
    if task.kind == "answer":
        yield {"answer": np.array(_answer(network, x))}
        return
    begin = baseline(task.ask.baseline, x, header.mean, header.std)
    if task.kind == "trust":
        yield _trust(task, network, x, begin)
        return
    classes, ask = np.array([task.target]), task.ask
    if task.method == "integrated_gradients":
        levels = refine(network, x, classes, baseline=begin, score=ask.score, tolerance=ask.tolerance)
    else:
        levels = iter(explain(network, x, classes, [task.method], Settings(ask.score), baseline=begin).values())
    for level in levels:
        yield {name: value for name, value in vars(level).items() if value is not None}


def _answer(network: Interruptible, x: Tensor) -> tuple[float, float]:
    with torch.no_grad():
        logits = network(x)[0]
    predicted = int(logits.argmax())
    return predicted, float(torch.softmax(logits, 0)[predicted])


def _trust(task: Task, network: Interruptible, x: Tensor, begin: Tensor) -> Arrays:
    method = INSTEAD.get(task.method, task.method)
    classes, settings = np.array([task.target]), Settings(task.ask.score, budget=COARSE)
    return trust(
        network,
        x,
        task.target,
        task.maps["shown"],
        lambda shuffled: explain(shuffled, x, classes, [method], settings, baseline=begin)[method].maps[0],
        baseline=begin,
        other=task.maps.get("other"),
        gap=task.gap,
        difference=task.difference,
    ).arrays()
