"""torchvision can be imported after the shim, whatever it was built for, and the shim more than once."""

import subprocess
import sys

import pytest

SHIM = "import core.torchvision_shim; "
USE = "import torch, torchvision; torchvision.models.resnet18().eval()(torch.zeros(1, 3, 32, 32)); "
LOADED = (  # or so it seems: nothing is there, at which torchvision itself stops
    "import torch; torch.ops.load_library = print\ntry: import core.torchvision_shim\nexcept AttributeError: pass\n"
)
COMPILER = "'torch._dynamo' in sys.modules"
ASKED = "from torchvision.ops.roi_align import is_compile_supported as asked; found = asked('cpu'); "
SHAPES = (
    "from core.models import check_size, skeleton; skeleton('vgg11', 2, 1.0, 'imagenet'); "
    "skeleton('resnet50', 2, 0.1, 'small'); check_size('resnet50', 0.1, 'small', 32); "
)
ANSWER = "from torch._dynamo.utils import is_compile_supported; assert found == is_compile_supported('cpu')"


@pytest.mark.parametrize(
    "code",
    [
        SHIM + "import sys; del sys.modules['core.torchvision_shim']; " + SHIM + USE + SHIM,
        LOADED + "assert not hasattr(torch.ops.torchvision, 'nms')",
        SHIM + USE + f"import sys; assert not ({COMPILER}); " + ASKED + f"assert {COMPILER}; " + ANSWER,
        SHAPES + f"import sys; assert not ({COMPILER})",
    ],
    ids=[
        "imported twice",
        "idle where the compiled half loads",
        "torch's compiler is loaded when it is asked for",
        "shapes of networks are no question for it",
    ],
)
def test_the_shim(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
