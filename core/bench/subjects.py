"""The networks and images that are timed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.cells import Cell
from core.data.photos import open_photo, square
from core.data.regions import superpixels
from core.errors import UserError
from core.inputs import as_input
from core.models import IMAGENET_MEAN, IMAGENET_STD, build, initialise, load_model
from core.study import Study

SIDE, CLASSES, SEGMENTS = 224, 1000, 16
TUNED_PHOTOS = (5, 77, 120, 260, 401, 500)
"""Positions in a folder's sorted list (of CUB's first ten species) that the engine was tuned on: never taken."""
TUNED_EVERY = 75
"""Test images of a study at multiples of this position were used for tuning too."""


@dataclass(frozen=True)
class Subject:
    """A network, and images to explain."""

    name: str
    note: str
    model: nn.Module
    """In evaluation mode, parameters frozen."""
    images: Tensor
    """(N, 3, S, S), normalised."""
    targets: Tensor
    """(N,) int64: the class explained."""
    regions: np.ndarray
    """(N, S, S): 0 where there is no region, r + 1 on region r."""
    names: tuple[str, ...]
    """Of the images."""
    rounds: int = 1
    trained: bool = True
    """Whether errors mean something; else the network is only timed."""


def study_cells(study: Study) -> list[Cell]:
    """Return one cell an architecture, of several α: students that learned from a teacher, where there are any."""
    chosen = []
    for k, architecture in enumerate(study.config.students.architectures):
        own = [cell for cell in study.cells if cell.architecture == architecture and cell.alpha is not None]
        taught = sorted((cell for cell in own if cell.alpha != 1), key=lambda cell: (cell.alpha, cell.seed)) or own
        chosen.append(taught[min((k + 1) % 2, len(taught) - 1)])
    return chosen


def study_subject(study: Study, cell: Cell, count: int, rounds: int) -> Subject:
    """Return a cell of a study with test images, their parts, and the teacher's classes, as the study explains them."""
    ids = study.dataset.ids("test")
    ids = ids[spread(len(ids), count, range(0, len(ids), TUNED_EVERY))]
    pixels, regions = study.dataset.load(ids)
    model, header = load_model(study.path("models", cell))
    images = as_input(pixels, header.mean, header.std)
    teacher, known = load_model(study.path("models", study.teacher))
    with torch.inference_mode():
        targets = teacher(as_input(pixels, known.mean, known.std)).argmax(dim=1)
    names = tuple(f"test image {i}" for i in ids)
    note = f"{study.name}, {images.shape[-1]} px, the study's own test images and parts"
    return Subject(cell.name, note, model, images, targets.clone(), regions, names, rounds)


def imagenet_subject(
    architecture: str, weights: Path, photos: Sequence[Path], rounds: int, original_strides: bool = False
) -> Subject:
    """Return an ImageNet network of a file with photos, their superpixels, and the classes it names itself."""
    model = build(architecture, CLASSES).eval().requires_grad_(False)
    initialise(model, architecture, str(weights))
    if original_strides:
        move_strides(model)
    pixels = np.stack([square(open_photo(path), SIDE) for path in photos])
    images = as_input(pixels, IMAGENET_MEAN, IMAGENET_STD)
    with torch.inference_mode():
        targets = torch.cat([model(image[None]).argmax(dim=1) for image in images])
    regions = np.stack([superpixels(image, SEGMENTS) for image in pixels])
    note = f"ImageNet weights, {SIDE} px, photos and their superpixels"
    names = tuple(path.name for path in photos)
    return Subject(architecture, note, model, images, targets.clone(), regions, names, rounds)


def random_subject(architecture: str, rounds: int) -> Subject:
    """Return an untrained network with one image of noise: for speed only, as its maps settle at once."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(architecture, CLASSES).eval().requires_grad_(False)
        image = torch.randn(1, 3, SIDE, SIDE)
    regions, target = np.ones((1, SIDE, SIDE), np.uint8), torch.zeros(1, dtype=torch.int64)
    note = f"untrained, {SIDE} px: speed only, at as many points"
    return Subject(f"{architecture}-random", note, model, image, target, regions, ("noise",), rounds, trained=False)


def move_strides(model: nn.Module) -> None:
    """Stride as He et al. 2015 do: in the first convolution of a bottleneck, where torchvision takes the second.

    Weights trained the one way load the other way without a word, and give wrong classes.
    """
    moved = 0
    for block in model.modules():
        first, second = getattr(block, "conv1", None), getattr(block, "conv2", None)
        if hasattr(block, "conv3") and isinstance(first, nn.Conv2d) and isinstance(second, nn.Conv2d):
            first.stride, second.stride = second.stride, first.stride
            moved += first.stride != second.stride
    if not moved:
        raise UserError("Only a ResNet of bottlenecks, such as resnet50, has strides to move.")


def find_photos(folder: Path, count: int) -> list[Path]:
    """Return so many photos of a folder and those inside it, evenly spread over their sorted list."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise UserError(f"There is no .jpg in {folder}.")
    return [found[i] for i in spread(len(found), count, TUNED_PHOTOS)]


def spread(total: int, count: int, without: Sequence[int]) -> list[int]:
    """Return `count` positions of `total`, evenly spread, none of those in `without`; all that is left of few."""
    left = [i for i in range(total) if i not in set(without)] or list(range(total))
    count = min(count, len(left))
    return [left[(2 * i + 1) * len(left) // (2 * count)] for i in range(count)]
