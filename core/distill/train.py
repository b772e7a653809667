"""The training loop: one batch, one view, one teacher pass, and every student of the group takes a step on it."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from core.config import Training
from core.distill.loss import distillation_loss
from core.distill.views import draws, epoch_order, views
from core.errors import UserError
from core.inputs import as_input, normalise
from core.models import network_digest
from core.store import digest_of, write_bytes


@dataclass(frozen=True)
class TrainingData:
    """What every cell learns from and is validated on.

    Attributes
    ----------
    images, validation_images : numpy.ndarray, (N, S, S, 3), uint8
        May be memory-maps.
    labels, validation_labels : numpy.ndarray, (N,), int64
    ids : numpy.ndarray, (N,), int64
        Names of the training images, which choose their views.
    mean, std : tuple of float
        Normalisation of each channel, in [0, 1].
    """

    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


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


@dataclass
class Learner:
    """One cell under training: its network, its optimiser, and how far it is.

    `key` names all it depends on; state saved under another key is not taken up again.
    """

    name: str
    model: nn.Module
    alpha: float
    key: str
    state_path: Path
    recipe: Training
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.SGD(
            [{"params": decayed, "weight_decay": self.recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=self.recipe.learning_rate,
            momentum=0.9,
            nesterov=True,
            fused=True,
        )
        self._restore()

    def _parameters(self) -> list[nn.Parameter]:
        return [p for group in self.optimiser.param_groups for p in group["params"]]

    def arrange(self, layout: torch.memory_format) -> None:
        """Lay weights and momentum out alike: the fused step walks them as they lie in memory."""
        self.model.to(memory_format=layout)  # type: ignore[call-overload]
        for p in self._parameters():
            if "momentum_buffer" in self.optimiser.state[p]:
                momentum = self.optimiser.state[p]["momentum_buffer"]
                self.optimiser.state[p]["momentum_buffer"] = torch.empty_like(p, requires_grad=False).copy_(momentum)

    def save(self) -> None:
        """Write everything needed to go on after this epoch, atomically."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        for i, p in enumerate(self._parameters()):
            if "momentum_buffer" in self.optimiser.state[p]:
                tensors[f"momentum.{i}"] = self.optimiser.state[p]["momentum_buffer"]
        meta = {"key": self.key, "epoch": str(self.epoch), "history": json.dumps(self.history)}
        meta["digest"] = _state_digest(tensors, meta)
        write_bytes(self.state_path, save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, meta))

    def _restore(self) -> None:
        if not self.state_path.exists():
            return
        try:
            with safe_open(self.state_path, "pt") as file:
                meta = file.metadata() or {}
                if meta.get("key") != self.key:
                    return
                tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118  not a mapping
        except (SafetensorError, OSError):
            return  # a damaged state costs the cell's own training, nothing else
        if meta.get("digest") != _state_digest(tensors, meta):
            return
        self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        for i, p in enumerate(self._parameters()):
            if f"momentum.{i}" in tensors:
                self.optimiser.state[p]["momentum_buffer"] = tensors[f"momentum.{i}"].to(p.device)
        self.epoch, self.history = int(meta["epoch"]), json.loads(meta["history"])


def train(
    learners: list[Learner],
    teacher: nn.Module | None,
    data: TrainingData,
    recipe: Training,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Learner], None],
) -> None:
    """Train a group of cells of one seed to the end, each from where it is.

    Every batch is read once, augmented once and shown to the teacher once; the students step on it in turn, so that
    one student's activations are alive at a time. A cell's result does not depend on the others of its group.

    Raises
    ------
    UserError
        Losses that are not a number any more, named by cell, once all others of the group are trained.
    """
    dtype = autocast_dtype(device, recipe.precision)
    layout = memory_format(device, dtype)
    for learner in learners:
        learner.arrange(layout)
    if teacher is not None:
        teacher.to(memory_format=layout)  # type: ignore[call-overload]
    batch = min(recipe.batch_size, len(data.ids))
    steps = len(data.ids) // batch
    labels = torch.from_numpy(np.ascontiguousarray(data.labels)).to(device)
    failed: dict[str, int] = {}
    for epoch in range(min((learner.epoch for learner in learners), default=0), recipe.epochs):
        active = [learner for learner in learners if learner.epoch == epoch and learner.name not in failed]
        totals: dict[str, Any] = {learner.name: torch.zeros(4, device=device) for learner in active}
        seconds = {learner.name: 0.0 for learner in active}
        for learner in active:
            learner.model.train()
        order = epoch_order(seed, epoch, len(data.ids))
        for step in range(steps):
            rows = np.sort(order[step * batch : (step + 1) * batch])
            pixels = torch.from_numpy(data.images[rows]).to(device).permute(0, 3, 1, 2).float().div_(255)
            numbers = torch.from_numpy(draws(seed, epoch, data.ids[rows])).to(device)
            x = normalise(views(pixels, numbers, recipe.augmentation), data.mean, data.std)
            x = x.contiguous(memory_format=layout)
            y = labels[torch.from_numpy(rows).to(device)]
            teacher_logits = _predict(teacher, x, dtype) if teacher is not None else None
            rate = learning_rate(epoch * steps + step, recipe.epochs * steps, recipe.learning_rate, recipe.warmup)
            for learner in active:
                start = time.perf_counter()
                torch.manual_seed(hash((seed, epoch, step)))  # dropout, where a network has it
                for group in learner.optimiser.param_groups:
                    group["lr"] = rate
                with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                    logits = learner.model(x)
                losses = distillation_loss(logits, y, teacher_logits, learner.alpha, recipe.temperature)
                learner.optimiser.zero_grad()
                losses.total.backward()
                learner.optimiser.step()
                right = (logits.argmax(1) == y).float().mean()
                totals[learner.name] += torch.stack([*losses, right]).detach().float()
                seconds[learner.name] += time.perf_counter() - start
        for learner in active:
            loss, entropy, divergence, accuracy = (totals[learner.name] / steps).tolist()
            if not math.isfinite(loss):
                failed[learner.name] = epoch + 1
                continue
            learner.epoch = epoch + 1
            due = learner.epoch % recipe.validate_every == 0 or learner.epoch == recipe.epochs
            learner.history.append(
                {
                    "epoch": learner.epoch,
                    "learning_rate": rate,
                    "loss": loss,
                    "cross_entropy": entropy,
                    "divergence": divergence,
                    "train_accuracy": accuracy,
                    "validation_accuracy": _accuracy(learner.model, data, device, dtype, layout) if due else math.nan,
                    "seconds": seconds[learner.name],
                }
            )
            learner.save()
            on_epoch(learner)
    if failed:
        each = [f"{name}: the loss is not a number in epoch {epoch}" for name, epoch in failed.items()]
        raise UserError(f"{'; '.join(each)}; lower training.learning_rate and run again.")


def _state_digest(tensors: dict[str, torch.Tensor], meta: dict[str, str]) -> str:
    return digest_of([network_digest(tensors), meta.get("epoch"), meta.get("history")])


@torch.inference_mode()
def _predict(model: nn.Module, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
        return model(x).float()


def _accuracy(
    model: nn.Module, data: TrainingData, device: torch.device, dtype: torch.dtype, layout: torch.memory_format
) -> float:
    model.eval()
    right = 0
    for start in range(0, len(data.validation_labels), 128):
        rows = slice(start, start + 128)
        x = as_input(data.validation_images[rows], data.mean, data.std, device).contiguous(memory_format=layout)
        right += int((_predict(model, x, dtype).argmax(1).cpu().numpy() == data.validation_labels[rows]).sum())
    return right / len(data.validation_labels)
