"""What one process does where several train the same cells: its slice of every batch, its part of every sum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Share:
    """One of `world` processes that each hold a copy of a network and see a slice of each batch.

    Data-parallel training, as Goyal et al. 2017 (arXiv 1706.02677, §3) have it: gradients are summed over the
    processes, so that all take the step that one process would take on the whole batch. With more than one, torch's
    default process group must be there (`core.train_together`); with one, every method gives back what it is given.
    """

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return this process's slice of the positions (N,) of a batch; the first ones get what is left over."""
        return np.array_split(rows, self.world)[self.rank]

    def add(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace tensors of one type by their sums over all processes, in place."""
        if self.world == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))

    def least(self, *numbers: int) -> list[int]:
        """Return the least that any process has of each number."""
        found = torch.tensor(numbers)
        if self.world > 1:
            dist.all_reduce(found, dist.ReduceOp.MIN)
        return found.tolist()

    def decided(self, yes: bool) -> bool:
        """Return what the leading process thinks: a clock is not the same everywhere."""
        return bool(self.given(bytes([yes]))[0]) if self.world > 1 else yes

    def given(self, content: bytes) -> bytes:
        """Return the leading process's bytes."""
        if self.world == 1:
            return content
        length = torch.tensor(len(content))
        dist.broadcast(length, 0)
        carried = torch.zeros(int(length), dtype=torch.uint8)
        if self.leads:
            carried = torch.from_numpy(np.frombuffer(content, np.uint8).copy())
        if len(carried):
            dist.broadcast(carried, 0)
        return carried.numpy().tobytes()


ALONE = Share()
