"""Networks by name: built, initialised, saved and loaded without anything that can run code."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn
from torch.overrides import TorchFunctionMode

import core.torchvision_shim  # noqa: F401
from core.batch_norm import BatchNorm2d
from core.errors import UserError, memory_is_full, unknown
from core.header import Header, read_header
from core.store import in_order, write_bytes
from core.weights import load_weights, read_weights

# The shim must run before torchvision is imported.
import torchvision.models as tv  # isort: skip
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet  # isort: skip

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

RESNETS: dict[str, tuple[type[BasicBlock | Bottleneck], list[int]]] = {
    "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]),
    "resnet50": (Bottleneck, [3, 4, 6, 3]),
    "resnet101": (Bottleneck, [3, 4, 23, 3]),
}


class SlimResNet(ResNet):
    """A torchvision ResNet whose every width is scaled, with a stem for small images on request.

    He et al. 2016 (arXiv 1512.03385). At width 1 and the "imagenet" stem it is torchvision's own network, key for key.
    Residual branches start at zero (Goyal et al. 2017), which trains better in few epochs.

    Parameters
    ----------
    block, layers
        As torchvision's `ResNet`.
    classes : int
        Number of logits.
    width : float
        Multiplies the usual 64, 128, 256, 512 planes; at least one channel is left.
    stem : str
        "imagenet" (7×7, stride 2, max-pool) or "small" (3×3, stride 1, no pool).
    """

    def __init__(
        self, block: type[BasicBlock | Bottleneck], layers: list[int], classes: int, width: float, stem: str
    ) -> None:
        nn.Module.__init__(self)
        planes = [max(1, round(width * p)) for p in (64, 128, 256, 512)]
        self._norm_layer = BatchNorm2d
        self.inplanes, self.dilation, self.groups, self.base_width = planes[0], 1, 1, 64
        if stem == "small":
            self.conv1 = nn.Conv2d(3, planes[0], 3, padding=1, bias=False)
            self.maxpool: nn.Module = nn.Identity()
        else:
            self.conv1 = nn.Conv2d(3, planes[0], 7, stride=2, padding=3, bias=False)
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.bn1 = BatchNorm2d(planes[0])
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = self._make_layer(block, planes[0], layers[0])
        self.layer2 = self._make_layer(block, planes[1], layers[1], stride=2)
        self.layer3 = self._make_layer(block, planes[2], layers[2], stride=2)
        self.layer4 = self._make_layer(block, planes[3], layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(planes[3] * block.expansion, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)
            elif isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)


def architectures() -> list[str]:
    """Return the names of all classifiers that can be built."""
    return tv.list_models(module=tv)


def check_architecture(name: str, width: float, stem: str) -> None:
    """Raise UserError for an architecture that is not there, or not at this width or stem."""
    if name not in architectures():
        raise unknown("architecture", name, architectures())
    if stem not in ("imagenet", "small"):
        raise unknown("stem", stem, ("imagenet", "small"))
    if name not in RESNETS and (width != 1 or stem != "imagenet"):
        raise UserError(f"{name} comes only at width = 1 and stem = 'imagenet'; slim are {', '.join(RESNETS)}.")


def check_size(architecture: str, width: float, stem: str, image_size: int) -> None:
    """Raise UserError where a network cannot take images of this size; nothing is computed to find out."""
    if architecture in RESNETS:
        return  # of any size, one pixel too; and torch would load its compiler to say so
    model = skeleton(architecture, 2, width, stem).eval()
    try:
        model(torch.empty(1, 3, image_size, image_size, device="meta"))
    except (RuntimeError, AssertionError) as error:
        if memory_is_full(error):
            raise
        reason = str(error).splitlines()[0]
        raise UserError(f"{architecture} cannot take images of {image_size} pixels: {reason}") from None


def build(architecture: str, classes: int, width: float = 1.0, stem: str = "imagenet") -> nn.Module:
    """Build a network with fresh weights, in training mode.

    Raises
    ------
    UserError
        Unknown architecture, or one that has no slim version.
    """
    check_architecture(architecture, width, stem)
    if architecture in RESNETS:
        block, layers = RESNETS[architecture]
        return SlimResNet(block, layers, classes, width, stem)
    # Auxiliary heads would make forward return a tuple in training.
    extra = {"aux_logits": False, "init_weights": True} if architecture in ("googlenet", "inception_v3") else {}
    return tv.get_model(architecture, num_classes=classes, **extra)


def skeleton(architecture: str, classes: int, width: float, stem: str) -> nn.Module:
    """Build a network on the meta device: shapes alone, neither memory nor random numbers for the weights."""
    try:
        with torch.device("meta"), _NothingDrawn():
            return build(architecture, classes, width, stem)
    except NotImplementedError:  # RegNets work out their widths with tensors
        with torch.random.fork_rng(devices=[]):
            return build(architecture, classes, width, stem).to("meta")


class _NothingDrawn(TorchFunctionMode):
    """Leaves a tensor without numbers as it is where normal ones are drawn.

    For that alone torch would load its compiler, for which each process would take more than a second.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (torch.Tensor.normal_, nn.init.normal_):
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **kwargs)


def check_weights(architecture: str, classes: int, width: float, stem: str, weights: str) -> bool:
    """Read initial weights, which may download them, and return whether a network of `classes` takes all of them.

    False where its last layer would keep its fresh weights. Raises UserError as `initialise` does.
    """
    return initialise(skeleton(architecture, classes, width, stem), architecture, weights)


def initialise(model: nn.Module, architecture: str, weights: str) -> bool:
    """Load initial weights in place: "none", "imagenet" (downloaded by torchvision), or a file.

    Returns
    -------
    bool
        False where the last layer keeps its fresh weights, as the file has another number of classes.

    Raises
    ------
    UserError
        No network to download over, an unreadable file, or one of another architecture.
    """
    if weights == "none":
        return True
    if weights == "imagenet":
        try:
            state = tv.get_model_weights(architecture).DEFAULT.get_state_dict(weights_only=True, check_hash=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: the file is not the one it should be
            raise UserError(
                f"ImageNet weights of {architecture} could not be downloaded ({error}); put torchvision's file into "
                f"{torch.hub.get_dir()}/checkpoints, or give the path of a .safetensors or .pth file instead."
            ) from None
    else:
        state = read_weights(Path(weights))
    last = [name for name, module in model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)][-1]
    own = model.state_dict()
    load_weights(model, state, f"{weights} weights of {architecture}", may_differ=last)
    return all(key in state and state[key].shape == own[key].shape for key in own if key.rpartition(".")[0] == last)


def network_digest(state: Mapping[str, torch.Tensor]) -> str:
    """Return the sha256 that names these weights: over names, types, shapes and bytes."""
    sha = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def half(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return a network's state as its file has it: fp16 on the CPU, integers as they are."""
    return {
        k: (v.half() if v.is_floating_point() else v).detach().cpu().contiguous() for k, v in model.state_dict().items()
    }


def save_model(path: Path, model: nn.Module, header: Header) -> Header:
    """Write a network's weights as fp16 safetensors, atomically; return the header with the digest filled in."""
    state = half(model)
    header = Header(**{**vars(header), "digest": network_digest(state)})
    said = {k: v for k, v in vars(header).items() if v or k != "explanation_weight"}
    meta = {"format": "pt", **{k: json.dumps(v) for k, v in said.items()}}
    write_bytes(path, in_order(save(state, meta)))
    return header


def load_model(path: Path, device: torch.device | str = "cpu") -> tuple[nn.Module, Header]:
    """Read a network from its file: fp32, evaluation mode, parameters frozen.

    Raises
    ------
    UserError
        The file is missing, damaged, or its weights do not fit its header.
    """
    header = read_header(path)
    state = read_weights(path)
    if network_digest(state) != header.digest:
        raise UserError(f"{path} is damaged: its weights are not the ones its header names.")
    model = skeleton(header.architecture, len(header.classes), header.width, header.stem)
    load_weights(model, state, f"The weights in {path}", assign=True)
    return model.eval().requires_grad_(False).to(device), header
