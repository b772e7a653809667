"""Import this before torchvision: it mends a torchvision built for CUDA beside a CPU-only torch.

There the compiled half of torchvision cannot be loaded, so its operators do not exist, and `import torchvision` stops
at "operator torchvision::nms does not exist". Declaring the two operators it asks for is enough for all that is
written in Python: networks, weights, transforms. Where torchvision works by itself nothing is declared.

It also keeps torchvision from loading torch's compiler, for which each process would take more than a second: one
operator on boxes, which is not used here, asks it a question when it is imported. Whoever needs the compiler loads it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _compiled_half_loads() -> bool:
    spec = find_spec("torchvision")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for path in (Path(folder) / f"_C{suffix}" for suffix in EXTENSION_SUFFIXES):
            if path.exists():
                try:
                    torch.ops.load_library(path)
                except OSError:
                    return False
                return True
    return False


@contextmanager
def _without_compiler() -> Iterator[None]:
    name = "torch._dynamo.utils"
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)

    def is_compile_supported(device: str) -> bool:
        from torch._dynamo.utils import is_compile_supported

        supported: bool = is_compile_supported(device)
        return supported

    stand_in.is_compile_supported = is_compile_supported  # type: ignore[attr-defined]
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


if "torchvision" not in sys.modules:
    if not _compiled_half_loads():
        # A library's operators live as long as the object does.
        ops = torch.library.Library("torchvision", "FRAGMENT")
        for _schema in _SCHEMAS:
            if not hasattr(torch.ops.torchvision, _schema.partition("(")[0]):
                ops.define(_schema)
    with _without_compiler():
        import torchvision.ops  # noqa: F401
