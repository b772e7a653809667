"""Networks and images to explain, and integrated gradients written down a second time."""

import functools

import numpy as np
import torch
from torch import Tensor, nn

from core.attribution import Score

SIDE, CLASSES = 12, 4


def photos(n: int, height: int = 13, width: int = 10, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(n, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=dtype)


def randomise(model: nn.Module) -> nn.Module:
    """Give every BatchNorm statistics and weights of its own, and no layer that is silent."""
    torch.manual_seed(3)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)  # type: ignore[union-attr, operator]
                module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr, operator]
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
    return model.eval()


def convnet(classes: int = CLASSES) -> nn.Module:
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, classes),
    ]
    return randomise(nn.Sequential(*layers).double())


def smooth() -> nn.Module:
    """Without a kink: Gauss–Legendre is exact to many digits."""
    torch.manual_seed(4)
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, CLASSES)]
    layers = [nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.Tanh(), nn.Conv2d(6, 6, 3), nn.Softplus(), *head]
    return nn.Sequential(*layers).double().eval()


@functools.cache
def trained() -> tuple[nn.Module, Tensor, Tensor]:
    """Return a network that has learned, images that it has not seen and their classes. Read only."""
    random = torch.Generator().manual_seed(5)
    patterns = torch.randn(CLASSES, 3, SIDE, SIDE, generator=random, dtype=torch.float64)

    def draw(n: int) -> tuple[Tensor, Tensor]:
        labels = torch.arange(n) % CLASSES
        noise = torch.randn(n, 3, SIDE, SIDE, generator=random, dtype=torch.float64)
        return patterns[labels] + 2 * noise, labels

    torch.manual_seed(5)
    layers: list[nn.Module] = []
    for inside, outside in ((3, 8), (8, 12), (12, 12)):
        layers += [nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
    head = [nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(12 * 25, CLASSES)]
    model = nn.Sequential(*layers, *head).double()
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(40):
        images, labels = draw(32)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimiser.step()
    images, labels = draw(6)
    return model.eval().requires_grad_(False), images, labels


def gradient(model: nn.Module, images: Tensor, targets: Tensor, score: Score = "logit") -> Tensor:
    """Return the gradient (N, C, H, W) by plain autograd through the plain network."""
    images = images.detach().clone().requires_grad_()
    logits = model(images + 0)
    values = {"logit": lambda x: x, "log_softmax": lambda x: x.log_softmax(1), "probability": lambda x: x.softmax(1)}
    chosen = values[score](logits)[torch.arange(len(images)), targets]
    return torch.autograd.grad(chosen.sum(), images)[0]


def reference(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    begin: Tensor | None = None,
    score: Score = "logit",
    points: int = 1024,
) -> np.ndarray:
    """Return integrated gradients (N, H, W) by Gauss–Legendre, an image at a time, all of its points at once."""
    at, weights = np.polynomial.legendre.leggauss(points)
    begin = torch.zeros_like(images) if begin is None else begin.to(images).expand_as(images)
    maps = []
    for image, start, target in zip(images, begin, targets, strict=True):
        path = start + torch.tensor((at + 1) / 2).view(-1, 1, 1, 1) * (image - start)
        along = gradient(model, path, target.expand(points), score)
        mean = torch.tensordot(torch.tensor(weights / 2), along, dims=1)
        maps.append(((image - start) * mean).sum(dim=0).numpy())
    return np.stack(maps)


@functools.cache
def expected(score: Score = "logit") -> np.ndarray:
    """Return the maps of `trained` from 1,024 points."""
    return reference(*trained(), score=score)


def error(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return ‖M − M_ref‖ / ‖M_ref‖ of every map."""
    return np.linalg.norm(got - expected, axis=(1, 2)) / np.linalg.norm(expected, axis=(1, 2))
