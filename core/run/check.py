"""What can be known to go wrong before anything is written."""

from collections.abc import Iterator
from pathlib import Path

from core.config import WORDS, Config
from core.data.dataset import Dataset
from core.errors import UserError
from core.models import check_architecture, check_size, check_weights


def check(config: Config, dataset: Dataset) -> None:
    """Raise UserError for networks that cannot be built or begun as asked, or more parts to rank than there are."""
    students = config.students
    for architecture in (config.teacher.architecture, *students.architectures):
        check_architecture(architecture, students.width, students.stem)
        check_size(architecture, students.width, students.stem, config.data.image_size)
    for section, weights in (("teacher", config.teacher.weights), ("students", students.weights)):
        if weights not in WORDS and not Path(weights).is_file():
            raise UserError(f"There is no file {weights}, named as initial weights.")
        if weights == "imagenet" and (students.width != 1 or students.stem != "imagenet"):
            raise UserError(
                f"{section}.weights = 'imagenet' fits only students.width = 1.0 and students.stem = 'imagenet', not "
                f"width = {students.width:g} and stem = '{students.stem}'."
            )
    processes, images = config.training.processes, len(dataset.ids("train"))
    if processes > images:
        raise UserError(f"training.processes is {processes}, but there are {images} images to train on; choose fewer.")
    if config.measure.top_k > len(dataset.parts):
        raise UserError(
            f"measure.top_k is {config.measure.top_k}, but these images have {len(dataset.parts)} parts; choose fewer."
        )


def weights_told(config: Config, classes: int) -> Iterator[str]:
    """Read all initial weights, downloaded where need be, and say in a sentence each where a last layer begins anew.

    Raises
    ------
    UserError
        Weights that cannot be had, or are of another architecture, width or stem.
    """
    students = config.students
    begins = [(config.teacher.architecture, config.teacher.weights)]
    begins += [(architecture, students.weights) for architecture in students.architectures]
    for architecture, weights in dict.fromkeys(begins):
        if weights == "none":
            continue
        if not check_weights(architecture, classes, students.width, students.stem, weights) and weights not in WORDS:
            yield f"{weights} knows other than {classes} classes, so the last layer of {architecture} begins anew."
