"""One cell under training: its network, its optimiser, how far it is, and the file from which it goes on."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from core.batch_norm import BatchNorm2d
from core.config import Training
from core.distill.loss import Losses
from core.distill.share import ALONE, Share
from core.distill.whole_batch import over_whole_batch
from core.models import network_digest
from core.store import cannot_read, digest_of, write_bytes
from core.weights import tensors_in


@dataclass
class Learner:
    """A network, its optimiser, and how far it is: `step` steps into the epoch after `epoch` whole ones.

    `key` names all it depends on; state saved under another key is not taken up again. `sums` are those of the current
    epoch so far: the loss and its parts as `Losses` has them, then the share of images that were recognised. `share` is
    this process's of the training, where several train the cell; it has begun at the same moment in all of them.
    """

    name: str
    model: nn.Module
    alpha: float
    key: str
    state_path: Path
    recipe: Training
    explanation_weight: float = 0.0
    share: Share = ALONE
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.share.world > 1:
            over_whole_batch(self.model)
        for module in self.model.modules():
            if isinstance(module, BatchNorm2d):
                module.twice = self.explains
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.SGD(
            [{"params": decayed, "weight_decay": self.recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=self.recipe.learning_rate,
            momentum=0.9,
            nesterov=True,
            fused=True,
        )
        self.sums = torch.zeros(len(Losses._fields) + 1, device=self._parameters()[0].device)
        self._restore()

    @property
    def explains(self) -> bool:
        """Whether it also learns to look where the teacher looks."""
        return self.alpha != 1 and self.explanation_weight > 0

    def _parameters(self) -> list[nn.Parameter]:
        return [p for group in self.optimiser.param_groups for p in group["params"]]

    def arrange(self, layout: torch.memory_format) -> None:
        """Lay weights and momentum out alike: the fused step walks them as they lie in memory."""
        self.model.to(memory_format=layout)  # type: ignore[call-overload]
        for p in self._parameters():
            if "momentum_buffer" in self.optimiser.state[p]:
                momentum = self.optimiser.state[p]["momentum_buffer"]
                self.optimiser.state[p]["momentum_buffer"] = torch.empty_like(p, requires_grad=False).copy_(momentum)

    def descend(self, losses: Losses, right: torch.Tensor, rate: float, part: float = 1.0) -> None:
        """Take one step against the gradient of the loss; `right` is the share of the batch that was recognised.

        Both are means over this process's slice, which is `part` of the batch.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        (part * losses.total).backward()
        means = part * torch.stack([*losses, right]).detach().float()
        self.share.add([means, *(p.grad for p in self._parameters() if p.grad is not None)])
        self.optimiser.step()
        self.optimiser.zero_grad()  # now, so that of a group one student's gradients are alive at a time
        self.sums += means
        self.step += 1

    @property
    def sane(self) -> bool:
        """Whether the loss has been a number in all of this epoch."""
        return math.isfinite(float(self.sums[0]))

    def close(self, steps: int, rate: float, validation_accuracy: float) -> None:
        """End an epoch of so many steps, the last at this rate, and put it into the history."""
        loss, entropy, divergence, explanation, accuracy = (self.sums / steps).tolist()
        self.history.append(
            {
                "epoch": self.epoch + 1,
                "learning_rate": rate,
                "loss": loss,
                "cross_entropy": entropy,
                "divergence": divergence,
                **({"explanation": explanation} if self.explains else {}),
                "train_accuracy": accuracy,
                "validation_accuracy": validation_accuracy,
                "seconds": self.seconds,
            }
        )
        self.epoch, self.step, self.seconds = self.epoch + 1, 0, 0.0
        self.sums.zero_()

    def save(self) -> None:
        """Write everything needed to go on from here, atomically; the leading process alone does."""
        if not self.share.leads:
            return
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        for i, p in enumerate(self._parameters()):
            if "momentum_buffer" in self.optimiser.state[p]:
                tensors[f"momentum.{i}"] = self.optimiser.state[p]["momentum_buffer"]
        tensors["sums"] = self.sums
        counters = {"epoch": self.epoch, "step": self.step, "seconds": self.seconds, "history": self.history}
        meta = {"key": self.key, **{name: json.dumps(value) for name, value in counters.items()}}
        meta["digest"] = _digest(tensors, meta)
        write_bytes(self.state_path, save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, meta))

    def _restore(self) -> None:
        content = b""
        try:
            content = self.state_path.read_bytes() if self.share.leads else b""
        except FileNotFoundError:
            pass
        except OSError as error:  # one that cannot be read now is no reason to begin anew
            raise cannot_read(self.state_path, error) from None
        content = self.share.given(content)
        try:
            tensors, meta = tensors_in(bytearray(content))
        except ValueError:
            return  # a damaged state costs the cell's own training, nothing else
        if meta.get("key") != self.key:
            return
        if meta.get("digest") != _digest(tensors, meta):
            return
        self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        for i, p in enumerate(self._parameters()):
            if f"momentum.{i}" in tensors:
                self.optimiser.state[p]["momentum_buffer"] = tensors[f"momentum.{i}"].to(p.device, copy=True)
        self.sums.copy_(tensors["sums"])
        self.epoch, self.step, self.seconds, self.history = (
            json.loads(meta[name]) for name in ("epoch", "step", "seconds", "history")
        )


def _digest(tensors: dict[str, torch.Tensor], meta: dict[str, str]) -> str:
    return digest_of([network_digest(tensors), [meta.get(name) for name in ("epoch", "step", "seconds", "history")]])
