"""Weights from a file, anybody's: read without anything that can run code, and put into a network that they fit."""

import math
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from core.errors import UserError, memory_is_full
from core.store import cannot_read
from core.tensors import Entry, entries, read_whole

KINDS = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "C64": torch.complex64,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""Types of numbers by their names in safetensors."""


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict from .safetensors, or .pth by torch's weights-only reader.

    Raises
    ------
    UserError
        The file is missing, damaged or not a state dict.
    """
    safe = path.suffix == ".safetensors"
    neither = UserError(f"{path} cannot be read as weights: it is damaged, or neither .safetensors nor .pth.")
    try:
        with path.open("rb") as file:
            if not safe and not file.read(2).startswith((b"PK", b"\x80")):  # an archive, or a pickle
                raise neither
        state = tensors_in(read_whole(path))[0] if safe else torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except OSError as error:
        raise cannot_read(path, error) from None
    except pickle.UnpicklingError:
        raise UserError(
            f"{path} is not a plain state dict: what else it holds could run code. Save model.state_dict() alone."
        ) from None
    except Exception as error:  # the readers raise many kinds, none of them their own
        if memory_is_full(error):
            raise
        raise neither from None
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(k, str) for k in state):
        raise UserError(f"{path} does not hold a state dict (names with tensors).")
    if not all(isinstance(v, torch.Tensor) and _plain(v) for v in state.values()):
        raise UserError(f"{path} does not hold a state dict of plain tensors (neither sparse nor quantised nor empty).")
    return {k.removeprefix("module."): v for k, v in state.items()}


def tensors_in(content: bytearray) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Return the tensors of safetensors bytes, where they lie, and what the file says of itself.

    Raises
    ------
    ValueError
        It is not whole, or a tensor is of no known type.
    """
    found, meta = entries(content)
    return {name: _tensor(content, entry) for name, entry in found.items()}, meta


def _tensor(content: bytearray, entry: Entry) -> torch.Tensor:
    count = math.prod(entry.shape)
    kind = KINDS.get(entry.kind)
    if kind is None or count * kind.itemsize != entry.end - entry.start:
        raise ValueError("its tensors are of another size or type")
    if not count:
        return torch.empty(entry.shape, dtype=kind)
    return torch.frombuffer(content, dtype=kind, count=count, offset=entry.start).reshape(entry.shape)


def _plain(tensor: torch.Tensor) -> bool:
    """Return whether a tensor has real numbers, one after the other."""
    other = tensor.is_meta or tensor.is_quantized or tensor.is_nested or tensor.is_complex()
    return tensor.layout == torch.strided and not other


def load_weights(
    model: nn.Module, state: Mapping[str, torch.Tensor], origin: str, may_differ: str = "", assign: bool = False
) -> None:
    """Load a state dict in place; a mismatch is one sentence naming `origin`.

    `may_differ` names a layer that keeps its own weights where the shapes differ. `assign` is for a network on the meta
    device, which has none: it gets the file's, in its own precision.
    """
    own = model.state_dict()
    skip = {k for k in own if may_differ and k.rpartition(".")[0] == may_differ}
    skip = {k for k in skip if k not in state or state[k].shape != own[k].shape}
    missing = sorted(k for k in own if k not in state and k not in skip and not k.endswith("num_batches_tracked"))
    extra = sorted(k for k in state if k not in own)
    wrong = sorted(k for k in own if k in state and k not in skip and not _fits(state[k], own[k]))
    if missing or extra or wrong:
        first = (
            f"{missing[0]} is missing"
            if missing
            else f"{_short(extra[0])} is not part of the network"
            if extra
            else f"{wrong[0]} is {_kind(state[wrong[0]])} where {_kind(own[wrong[0]])} is needed"
        )
        count = len(missing) + len(extra) + len(wrong)
        raise UserError(f"{origin} do not fit: {first} ({count} such); is it another architecture, width or stem?")
    if assign:
        given = {k: v.to(own[k].dtype) for k, v in state.items()}
        fresh = {k: torch.zeros((), dtype=torch.long) for k in own if k not in state}  # num_batches_tracked
        model.load_state_dict(fresh | given, assign=True)
        return
    with torch.no_grad():
        for key, value in own.items():
            if key in state and key not in skip:
                value.copy_(state[key])


def _fits(given: torch.Tensor, own: torch.Tensor) -> bool:
    return given.shape == own.shape and (given.is_floating_point() or not own.is_floating_point())


def _kind(tensor: torch.Tensor) -> str:
    return _short(f"{tuple(tensor.shape)}") + ("" if tensor.is_floating_point() else " of whole numbers")


def _short(text: str) -> str:
    """Return what a file says as a sentence can hold it: a name may be a page long, or move the cursor."""
    return "".join(each if each.isprintable() else "?" for each in text[:60]) + ("…" if len(text) > 60 else "")
