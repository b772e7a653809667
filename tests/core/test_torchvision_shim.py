"""torchvision can be imported after the shim, whatever it was built for, and the shim more than once."""

import subprocess
import sys

import pytest

SHIM = "import core.torchvision_shim; "
USE = "import torch, torchvision; torchvision.models.resnet18().eval()(torch.zeros(1, 3, 32, 32)); "


@pytest.mark.parametrize(
    "code",
    [
        SHIM + "import sys; del sys.modules['core.torchvision_shim']; " + SHIM + USE + SHIM,
        "import torch; torch.ops.load_library = print; " + SHIM + "assert not hasattr(core.torchvision_shim, 'ops')",
    ],
    ids=["imported twice", "idle where the compiled half loads"],
)
def test_the_shim(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
