"""The training loop: one batch, one view, one teacher pass, and every student of the group takes a step on it."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from core.config import Training
from core.distill.batches import Batches, TrainingData
from core.distill.learner import Learner
from core.distill.loss import distillation_loss, input_x_gradient
from core.distill.replay import Replay
from core.distill.share import Share
from core.errors import UserError
from core.inputs import as_input

SECONDS = 60.0
"""After that long the cells under training are put on disk, in the middle of an epoch too."""


def autocast_dtype(device: torch.device, precision: str) -> torch.dtype:
    """Return the type that networks multiply in: "auto" takes bf16 where the hardware has it."""
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_has_bf16()
        return torch.bfloat16 if fast else torch.float32
    return {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]


def _cpu_has_bf16() -> bool:
    return any("bf16" in name.lower() and has for name, has in torch.cpu.get_capabilities().items())


def memory_format(device: torch.device, dtype: torch.dtype) -> torch.memory_format:
    """Return the fastest layout that is right.

    channels_last, but not for fp32 on CPU: there the backward pass of a 1×1 stride-2 convolution with few channels
    crashes in torch 2.13 (oneDNN).
    """
    fp32_cpu = device.type == "cpu" and dtype == torch.float32
    return torch.contiguous_format if fp32_cpu else torch.channels_last


def learning_rate(step: int, steps: int, peak: float, warmup: float) -> float:
    """Return the rate of step 0…steps-1: a linear rise over the share `warmup`, then a half cosine to nearly 0."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return peak * (step + 1) / rise
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise + 1) / (steps - rise + 1)))


def train(
    learners: list[Learner],
    teacher: nn.Module | None,
    data: TrainingData,
    recipe: Training,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Learner], None],
    resident: bool = False,
    replay: Replay | None = None,
) -> None:
    """Train a group of cells of one seed to the end, each from where it is.

    Every batch is read once, augmented once and shown to the teacher once; the students step on it in turn, so that
    one student's activations and gradients are alive at a time. A cell's result does not depend on the others of its
    group, nor on where a kill left each of them: a cell takes a step when the loop comes to the one it stands at.

    Where several processes train the group together, each calls this, and what they do must be the same: nothing may
    hang on a clock or a file that one of them alone has seen, or they wait for each other for ever.

    Parameters
    ----------
    learners : list of Learner
        At least one; all of the same share.
    teacher : nn.Module or None
        In evaluation mode; None where no student asks for it.
    data : TrainingData
    recipe : Training
    seed : int
        Of the order and the views.
    device : torch.device
    on_epoch : callable
        Called with a cell when its epoch is over and saved.
    resident : bool
        Whether all images are to lie on the device.
    replay : Replay, optional
        Answers of the teacher that were kept, of use where no student asks for its maps.

    Raises
    ------
    UserError
        Losses that are not a number any more, named by cell, once all others of the group are trained; or a state that
        could not be written.
    """
    # Nothing is compiled: on a CPU with bf16 torch.compile makes a step of these narrow ResNets 1.7 times as long, and
    # takes a minute a network.
    dtype = autocast_dtype(device, recipe.precision)
    layout = memory_format(device, dtype)
    for learner in learners:
        learner.arrange(layout)
        learner.model.train()
    if teacher is not None:
        teacher.to(memory_format=layout)  # type: ignore[call-overload]
    share = learners[0].share
    batches = Batches(data, recipe, seed, device, layout, resident, share)
    failed: dict[str, int] = {}
    saved = time.monotonic()
    for epoch in range(min(learner.epoch for learner in learners), recipe.epochs):
        active = [learner for learner in learners if learner.epoch == epoch and learner.name not in failed]
        for step in range(batches.count):
            group = [learner for learner in active if learner.step == step and learner.name not in failed]
            if not group:
                continue
            x, y = batches.at(epoch, step)
            explained = any(learner.explains for learner in group)
            if teacher is None:
                answer = None
            elif replay is None or explained:
                answer = ask(teacher, x, dtype, explained)
            else:
                answer = Answer(replay.answer(batches, epoch, step, partial(predict, teacher, x, dtype)))
            for learner in group:
                start = time.perf_counter()
                # Dropout, where a network has it, of another slice other numbers.
                torch.manual_seed(hash((seed, epoch, step, share.rank) if share.rank else (seed, epoch, step)))
                take_step(learner, x, y, answer, _rate(epoch, step, batches, recipe), dtype, len(y) / batches.size)
                learner.seconds += time.perf_counter() - start
            if share.decided(time.monotonic() - saved > SECONDS):
                saved = time.monotonic()
                failed |= {learner.name: epoch + 1 for learner in group if not learner.sane}
                for learner in group:
                    if learner.sane:
                        learner.save()
        failed |= {learner.name: epoch + 1 for learner in active if not learner.sane}
        for learner in active:
            if learner.name in failed:
                continue
            due = (epoch + 1) % recipe.validate_every == 0 or epoch + 1 == recipe.epochs
            accuracy = _accuracy(learner.model, data, device, dtype, layout, share) if due else math.nan
            learner.close(batches.count, _rate(epoch, batches.count - 1, batches, recipe), accuracy)
            learner.save()
            on_epoch(learner)
    if failed:
        each = [f"{name}: the loss is not a number in epoch {epoch}" for name, epoch in failed.items()]
        weights = [learner.explanation_weight for learner in learners if learner.name in failed]
        # Those without λ do well at this learning rate.
        either = f"λ in students.explanation_weights ({max(weights):g}) or " if all(weights) else ""
        raise UserError(f"{'; '.join(each)}; lower {either}training.learning_rate and run again.")


class Answer(NamedTuple):
    """What a teacher says of a batch: logits (B, classes), and maps (B, S, S) of its answers where they count."""

    logits: torch.Tensor
    maps: torch.Tensor | None = None


def ask(teacher: nn.Module, x: torch.Tensor, dtype: torch.dtype, explained: bool) -> Answer:
    """Show a batch to the teacher, once for all students."""
    if not explained:
        return Answer(predict(teacher, x, dtype))
    seen = x.detach().requires_grad_()
    with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
        logits = teacher(seen)
    return Answer(logits.detach().float(), input_x_gradient(logits, seen, logits.argmax(1), twice=False))


def take_step(
    learner: Learner,
    x: torch.Tensor,
    y: torch.Tensor,
    answer: Answer | None,
    rate: float,
    dtype: torch.dtype,
    part: float = 1.0,
) -> None:
    """Let one student learn from one batch: views (B, 3, S, S), labels (B,) and the teacher's answer.

    They are `part` of a batch where several processes have a slice of it each.
    """
    looked = answer.maps if answer is not None and learner.explains else None
    seen = x if looked is None else x.detach().requires_grad_()
    with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
        logits = learner.model(seen)
    taught, recipe, maps = None if answer is None else answer.logits, learner.recipe, None
    if taught is not None and looked is not None:
        maps = (input_x_gradient(logits, seen, taught.argmax(1), twice=True), looked)
    weight = learner.explanation_weight
    losses = distillation_loss(logits, y, taught, learner.alpha, recipe.temperature, maps, weight)
    learner.descend(losses, (logits.argmax(1) == y).float().mean(), rate, part)


@torch.inference_mode()
def predict(model: nn.Module, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a network's logits in float32."""
    with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
        return model(x).float()


def _rate(epoch: int, step: int, batches: Batches, recipe: Training) -> float:
    done, steps = epoch * batches.count + step, recipe.epochs * batches.count
    return learning_rate(done, steps, recipe.learning_rate, recipe.warmup)


def _accuracy(
    model: nn.Module,
    data: TrainingData,
    device: torch.device,
    dtype: torch.dtype,
    layout: torch.memory_format,
    share: Share,
) -> float:
    model.eval()
    right = torch.zeros((), dtype=torch.long)
    own = share.of(np.arange(len(data.validation_labels)))
    for start in range(0, len(own), 128):
        rows = own[start : start + 128]
        x = as_input(data.validation_images[rows], data.mean, data.std, device).contiguous(memory_format=layout)
        right += int((predict(model, x, dtype).argmax(1).cpu().numpy() == data.validation_labels[rows]).sum())
    model.train()
    share.add([right])
    return int(right) / len(data.validation_labels)
