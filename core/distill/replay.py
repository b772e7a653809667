"""What the teacher said of every view, kept: other students of the same seed need not ask again."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save

from core.distill.batches import Batches
from core.models import network_digest
from core.store import cannot_read, write_bytes
from core.tensors import read_whole
from core.weights import tensors_in

TOLERANCE = 0.02
"""On a GPU, whose sums come in another order every time: of the largest logit."""


class Replay:
    """One seed's answers, a file an epoch; the first batch that is read of each is asked of the teacher too.

    Parameters
    ----------
    folder : Path
        Of this seed's files.
    key : str
        Names all that the answers depend on: teacher, images, views, size of a batch, precision, machine.
    on_note : callable
        Told in a sentence, once, that what was kept is refused; the teacher is then asked, and its answers kept anew.
    """

    def __init__(self, folder: Path, key: str, on_note: Callable[[str], None]) -> None:
        self.folder, self.key, self.on_note = folder, key, on_note
        self.epoch, self.checked = -1, False
        self.asked: set[int] = set()
        """Batches: one may be asked again, where a group ran out of memory and went back to what it had saved."""
        self.kept: torch.Tensor | None = None
        self.fresh: torch.Tensor | None = None

    def answer(self, batches: Batches, epoch: int, step: int, live: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Return the teacher's logits (B, classes) of a batch; `live` asks it."""
        if epoch != self.epoch:
            self.epoch, self.asked, self.checked, self.fresh = epoch, set(), False, None
            self.kept = self._read()
        rows = torch.from_numpy(batches.rows(epoch, step))
        if self.kept is not None:
            kept = self.kept[rows].to(batches.device)
            if self.checked:
                return kept
            said = live()
            if _same(kept, said):
                self.checked = True
                return said
            self._refuse("are not what it says now")
            self.kept = None
            return said  # and of this epoch nothing is kept: it was not asked from the beginning
        said = live()
        if self.fresh is None:
            self.fresh = torch.full((len(batches.data.ids), said.shape[1]), torch.nan)
        self.fresh[rows] = said.cpu()
        self.asked.add(step)
        if len(self.asked) == batches.count:
            tensors = {"logits": self.fresh}
            write_bytes(self._path, save(tensors, {"key": self.key, "digest": network_digest(tensors)}))
        return said

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.epoch + 1:05d}.safetensors"

    def _read(self) -> torch.Tensor | None:
        if not self._path.exists():
            return None
        why = "are damaged"
        try:
            tensors, meta = tensors_in(read_whole(self._path))
            if meta.get("key") != self.key:
                why = "are of another teacher, recipe or machine"
            elif "logits" in tensors and meta.get("digest") == network_digest(tensors):
                return tensors["logits"]
        except ValueError:
            pass
        except OSError as error:
            raise cannot_read(self._path, error) from None
        self._refuse(why)
        return None

    def _refuse(self, why: str) -> None:
        self._path.unlink(missing_ok=True)
        self.on_note(f"The teacher's answers kept in {self.folder} {why}; the teacher is asked again.")
        self.on_note = lambda sentence: None


def _same(kept: torch.Tensor, said: torch.Tensor) -> bool:
    """Return whether answers are the teacher's: bit for bit on the CPU, where they are to be the same every time."""
    if said.device.type == "cpu":
        return torch.equal(kept, said)
    return bool((kept - said).abs().max() <= TOLERANCE * said.abs().max())
