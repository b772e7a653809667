"""A network made ready to be explained many times: the same logits, sooner and in bounded memory."""

import copy
import math
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode

from core.batch_norm import BatchNorm2d
from core.errors import memory_is_full

Score: TypeAlias = Literal["logit", "log_softmax", "probability"]
SCORES: tuple[Score, ...] = ("logit", "log_softmax", "probability")

MEMORY = 640_000_000
"""Bytes that one forward and backward pass may hold on a CPU. On a GPU it is a quarter of what is free."""
MOST = 16
"""Samples of one pass on a CPU: more are slower at any size of image."""


class Prepared:
    """A network for explaining: BatchNorm folded, channels_last, parameters frozen, its affine first layer apart.

    The first layer is affine where it is a convolution, so its output on a straight path between two images is the
    straight path between its two outputs: a pass through a point of the path begins behind it. Only layers of torch's
    own kind, without hooks, are treated so, and only where the network's logits and their gradient stay what they were
    on a random image; any other network (as the output of a convolution is used twice, or the image is changed before
    the first layer) is used as it is.

    Parameters
    ----------
    model : nn.Module
        In eval mode; gives logits (N, classes). It is never changed: what is used is a copy, unless it cannot be copied
        (as TorchScript).
    example : Tensor
        (N, C, H, W): images of the size to be explained; the values do not matter.

    Raises
    ------
    ValueError
        The model is in training mode, or gives something else than logits with a gradient.
    """

    @torch.inference_mode(False)
    def __init__(self, model: nn.Module, example: Tensor) -> None:
        if any(module.training for module in model.modules()):
            raise ValueError("the model must be in eval mode: call model.eval() first")
        parameter = next(model.parameters(), torch.empty(0))
        self.device, self.dtype = parameter.device, parameter.dtype
        self._sample_bytes: dict[tuple[int, ...], int] = {}
        noise = torch.randn(1, *example.shape[1:], generator=torch.Generator().manual_seed(0)).to(parameter)
        self.stem: nn.Conv2d | None = None
        try:
            self.body = plain = _copy(model)
        except Exception as error:  # what is no plain module, or holds a tensor with a history, raises what it likes
            if memory_is_full(error):
                raise
            self.body = plain = model
        with torch.no_grad():
            logits = self(noise)
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"the model must give logits (N, classes), not {shape}: wrap it in one that gives them")
        self.classes = logits.shape[1]
        top = logits.argmax(dim=1)
        expected = self._seen(noise, top)
        for apart in (True, False):
            try:
                self.body = _copy(model)
                first = _fold(self.body, noise)
                self.stem = _take(self.body, first) if apart and first is not None else None
                if _alike(self._seen(noise, top), expected):
                    return
            except Exception as error:  # as above; but out of memory, the maps would be others in their last digits
                if memory_is_full(error):
                    raise
        self.stem, self.body = None, plain

    def _seen(self, image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return an image's logits, and the gradient of one of them at the image."""
        _, gradient = self.gradient(self.enter(image), target, "logit")
        with torch.no_grad():
            return self(image), self.leave(gradient, tuple(image.shape[1:]))

    def __call__(self, images: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, C, H, W)."""
        images = images.contiguous(memory_format=torch.channels_last)
        out: Tensor = self.body(images if self.stem is None else self.stem(images))
        return out

    def enter(self, images: Tensor) -> Tensor:
        """Take images through the first layer, where it is affine; as they are elsewhere."""
        images = images.contiguous(memory_format=torch.channels_last)
        if self.stem is None:
            return images
        with torch.no_grad():
            out: Tensor = self.stem(images)
        return out

    def gradient(self, entered: Tensor, targets: Tensor, score: Score) -> tuple[Tensor, Tensor]:
        """Return the scores (N,) of samples behind the first layer, and their gradient there; in any mode of torch."""
        with torch.inference_mode(False), torch.enable_grad():
            entered = entered.detach().clone().requires_grad_()
            # A copy, as a network may change its input in place.
            values = score_of(self.body(entered.clone()), targets.clone(), score)
            if not values.requires_grad:
                raise ValueError("the model's logits have no gradient: does it detach them, or run in torch.no_grad()?")
            return values.detach(), torch.autograd.grad(values.sum(), entered)[0]

    def leave(self, gradient: Tensor, size: tuple[int, ...]) -> Tensor:
        """Take a gradient behind the first layer to one at images of `size` (C, H, W)."""
        if self.stem is None:
            return gradient
        stem = self.stem
        shape = (len(gradient), *size)
        return conv2d_input(shape, stem.weight, gradient, stem.stride, stem.padding, stem.dilation, stem.groups)

    def chunk(self, image: Tensor) -> int:
        """Return how many samples of the size of an image (1, C, H, W) go through at once."""
        shape = tuple(image.shape[1:])
        if shape not in self._sample_bytes:
            self._sample_bytes[shape] = self._measure(image)
        if self.device.type == "cuda":
            return max(1, torch.cuda.mem_get_info(self.device)[0] // 4 // self._sample_bytes[shape])
        return max(1, min(MOST, MEMORY // self._sample_bytes[shape]))

    def with_own_hooks(self) -> nn.Module:
        """Return the whole network as a module of the same weights.

        Hooks on it are its own: other threads may use this network meanwhile.
        """
        body = _sharing(self.body)
        return nn.Sequential(body if self.stem is None else nn.Sequential(_sharing(self.stem), body)).eval()

    def randomised(self, share: float, seed: int) -> "Prepared":
        """Return this network with the weights of its last layers shuffled, each tensor within itself.

        Shuffled, not drawn anew: every layer keeps the scale of its weights, on which the others count where BatchNorm
        is folded.

        Parameters
        ----------
        share : float
            Of the layers with weights, counted from the logits back; the last one always.
        seed : int
        """
        other = copy.copy(self)
        other.body, other.stem = copy.deepcopy(self.body), copy.deepcopy(self.stem)
        modules = [module for part in (other.stem, other.body) if part is not None for module in part.modules()]
        layers = [module for module in modules if next(module.parameters(recurse=False), None) is not None]
        random = torch.Generator().manual_seed(seed)
        for layer in layers[len(layers) - max(1, math.ceil(share * len(layers))) :][::-1]:
            for weight in layer.parameters(recurse=False):
                order = torch.randperm(weight.numel(), generator=random).to(weight.device)
                weight.data.copy_(weight.data.flatten()[order].view(weight.shape))
        return other

    def _measure(self, image: Tensor) -> int:
        """Count the bytes that one sample holds between its forward and its backward pass."""
        held: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                held[storage.data_ptr()] = storage.nbytes()
            return tensor.detach()  # itself would be a cycle, and the whole graph would stay

        weights = {p.untyped_storage().data_ptr() for p in self.body.parameters()}
        keeping = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
        with torch.inference_mode(False), torch.enable_grad(), keeping:
            out = self.body(self.enter(image).detach().clone().requires_grad_().clone())
        del out
        # The gradients on their way back come on top.
        return max(1, sum(held.values()) * 5 // 4)


def score_of(logits: Tensor, targets: Tensor, score: Score) -> Tensor:
    """Return the score (N,) of one class of every row of logits (N, classes)."""
    if score == "log_softmax":
        logits = torch.log_softmax(logits, dim=1)
    elif score == "probability":
        logits = torch.softmax(logits, dim=1)
    return logits.gather(1, targets[:, None])[:, 0]


def _copy(model: nn.Module) -> nn.Module:
    copied: Any = copy.deepcopy(model)
    frozen: nn.Module = copied.requires_grad_(False).to(memory_format=torch.channels_last)
    return frozen


def _sharing(model: nn.Module) -> nn.Module:
    """Return a copy of a module whose weights are the very same tensors."""
    tensors = [*model.parameters(), *model.buffers()]
    copied: nn.Module = copy.deepcopy(model, memo={id(tensor): tensor for tensor in tensors})
    return copied


def _alike(seen: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> bool:
    """Return whether logits and gradients are the same but for rounding.

    Rounding can turn a ReLU or a max-pool near its kink: up to 6 % of the gradient in float32 among torchvision's
    networks. A first layer that is not affine makes for several times that.
    """
    (logits, gradient), (plain_logits, plain_gradient) = seen, expected
    close = torch.allclose(logits, plain_logits, rtol=1e-4, atol=1e-4 * float(plain_logits.abs().max()))
    return close and bool((gradient - plain_gradient).norm() <= 0.1 * plain_gradient.norm())


def _plain(module: nn.Module) -> bool:
    """Return whether a module is a convolution or BatchNorm of torch's own kind or ours, and does nothing besides."""
    hooks = (value for name, value in vars(module).items() if name.endswith("_hooks"))
    return type(module) in (nn.Conv2d, nn.BatchNorm2d, BatchNorm2d) and "forward" not in vars(module) and not any(hooks)


@torch.no_grad()
def _fold(model: nn.Module, image: Tensor) -> str | None:
    """Fold every BatchNorm that follows a convolution, in place; return the name of a convolution of the image itself.

    What follows what is seen by watching one image pass. Tracing by torch.fx would tell it as well, but it changes
    nn.Module while it lasts, under the feet of other threads.
    """
    outputs: dict[str, Tensor] = {}
    inputs: dict[str, Tensor] = {}
    names: dict[nn.Module, str] = {module: name for name, module in model.named_modules() if _plain(module)}
    calls: list[nn.Module] = []

    def watch(module: nn.Module, given: tuple[Tensor, ...], by_name: dict[str, Tensor], out: Tensor) -> None:
        calls.append(module)
        inputs[names[module]], outputs[names[module]] = [*given, *by_name.values()][0], out

    handles = [module.register_forward_hook(watch, with_kwargs=True) for module in names]
    with _Uses(image) as uses:
        model(image)
    for handle in handles:
        handle.remove()
    once = [module for module in names if calls.count(module) == 1]
    convolutions = {id(outputs[names[m]]): m for m in once if isinstance(m, nn.Conv2d)}
    # What else looks at the image, at its size or its values, would be misled by the output of a convolution.
    first = [names[m] for m in convolutions.values() if inputs[names[m]] is image and uses.count == 1]
    for norm in [m for m in once if isinstance(m, nn.BatchNorm2d)]:
        convolution = convolutions.get(id(inputs[names[norm]]))
        if convolution is not None:
            model.set_submodule(names[convolution], fuse_conv_bn_eval(convolution, norm).requires_grad_(False))
            model.set_submodule(names[norm], nn.Identity())
    return first[0] if len(first) == 1 else None


class _Uses(TorchFunctionMode):
    """Counts the calls of torch's functions that are given one tensor, while it lasts."""

    def __init__(self, tensor: Tensor) -> None:
        super().__init__()
        self.tensor = tensor
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [*args, *(kwargs or {}).values()]
        nested = [value for values in given if isinstance(values, list | tuple) for value in values]
        self.count += any(value is self.tensor for value in given + nested)
        return func(*args, **(kwargs or {}))


def _take(model: nn.Module, name: str) -> nn.Conv2d | None:
    """Take a convolution out of a network, which then begins behind it; None where it cannot be apart."""
    layer = model.get_submodule(name)
    if not isinstance(layer, nn.Conv2d) or layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return None
    model.set_submodule(name, nn.Identity())
    return layer
