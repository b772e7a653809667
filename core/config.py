"""A study's settings: read from TOML, checked, and written back resolved."""

import tomllib
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import UserError, unknown
from core.toml import parse_toml, read_toml
from core.wrong_settings import TOO_DEEP, wrong

Unit = Annotated[float, Field(ge=0, le=1)]
Method = Literal["saliency", "integrated_gradients", "captum", "smoothgrad", "input_x_gradient", "grad_cam"]
Score = Literal["logit", "log_softmax", "probability"]
Baseline = Literal["mean", "black", "blurred"]

WORDS = {"none", "imagenet"}
"""Initial weights that are no file."""
PATHS = {("data", "root"): {""}, ("teacher", "weights"): WORDS, ("students", "weights"): WORDS}
"""Settings that are paths, unless they are one of these words."""


MAX_SEEDS = 100
"""Trainings of each network: far more than anybody has waited for."""


class Section(BaseModel):
    """A table of the TOML file. Unknown keys are errors, values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Data(Section):
    """Which images, at what size, split how."""

    dataset: Literal["birds", "cub", "folder", "coco-parts"] = "birds"
    root: str = ""
    """Folder of the dataset; relative to the TOML file. The built-in birds need none."""
    image_size: int = Field(64, ge=32, le=1024)
    seed: int = Field(0, ge=0)
    """Which birds are drawn; which images of a folder are held out."""
    classes: int = Field(12, ge=2, le=100)
    train_images: int = Field(1200, ge=1)
    validation_images: int = Field(600, ge=1)
    test_images: int = Field(3000, ge=1)
    difficulty: Unit = 0.5
    """Built-in birds: 0 easy … 1 hard (clutter, occlusion, light, how alike the species are)."""
    validation_fraction: float = Field(0.1, gt=0, lt=1)
    """All but the birds: share of the training images held out for validation, where none are given."""
    test_fraction: float = Field(0.2, gt=0, lt=1)
    """Folders and COCO parts where no such images are given: share of all images held out for testing."""
    crop: Literal["box", "image"] = "box"
    """CUB and COCO parts: the object's box with a margin, or the middle square of the image."""
    label_from: Literal["auto", "image", "object", "folder", "supercategory"] = "auto"
    """COCO parts: what says an image's class. "auto" takes the first of the others that says it of every image."""
    part_radius: float = Field(0.12, gt=0, le=1)
    """CUB: a part is the pixels nearest its point within this share of the box's longer side."""
    segments: int = Field(16, ge=8, le=200)
    """Folders: superpixels an image is cut into, its parts."""


class Teacher(Section):
    """The network whose looking is the reference."""

    architecture: str = "resnet101"
    weights: str = "none"
    """Initial weights: "none", "imagenet" (torchvision's), or a file, relative to the TOML file."""


class Students(Section):
    """The grid: every architecture at every α with every seed."""

    architectures: list[str] = Field(["resnet101", "resnet50", "resnet34", "resnet18"], min_length=1, max_length=50)
    alphas: list[Unit] = Field([1.0, 0.5, 0.1], min_length=1, max_length=20)
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1, max_length=MAX_SEEDS)
    width: float = Field(1.0, gt=0, le=1)
    """Channels, as a share of the usual: 0.125 trains on a laptop."""
    stem: Literal["imagenet", "small"] = "imagenet"
    """"small": a 3×3 first convolution and no max-pool, for small images."""
    weights: str = "none"
    explanation_weights: list[Annotated[float, Field(ge=0)]] = Field([0.0], min_length=1, max_length=20)
    """λ of 1 − cos(student's map, teacher's map) in the loss of distilled students; 0 does without maps."""

    @field_validator("architectures", "alphas", "seeds", "explanation_weights")
    @classmethod
    def _distinct(cls, values: list[Any]) -> list[Any]:
        if len(set(values)) != len(values):
            raise ValueError("the same value is there twice")
        return values


class Training(Section):
    """One recipe for every cell, the teacher included."""

    epochs: int = Field(50, ge=1)
    batch_size: int = Field(32, ge=2)
    learning_rate: float = Field(0.08, gt=0)
    weight_decay: float = Field(5e-4, ge=0, le=1)
    warmup: Unit = 0.15
    """Share of all steps over which the learning rate rises; a cosine takes it down."""
    temperature: float = Field(4.0, gt=0, le=1000)
    augmentation: Unit = 1.0
    """Strength of the random flips, affine moves and colour changes; 0 is none."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """"auto": bf16 where the hardware multiplies in it, else fp32."""
    validate_every: int = Field(5, ge=1)
    replay: bool = False
    """Keep what the teacher says of every view (4 bytes a class, image and epoch), for other students of its seed."""
    processes: int = Field(1, ge=1, le=1024)
    """Processes that train a cell together, each on its slice of every batch; a GPU each, where there are GPUs."""

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, given: Any) -> Any:
        """Take the settings of studies from before λ was an axis of the grid, where they had none."""
        if not isinstance(given, dict) or "explanation_weight" not in given:
            return given
        if (weight := given["explanation_weight"]) != 0:
            instead = f"write explanation_weights = [0.0, {weight}] under [students] in its place"
            raise ValueError(f"explanation_weight is an axis of the grid now; {instead}")
        return {key: value for key, value in given.items() if key != "explanation_weight"}


class Explain(Section):
    """How the maps are made."""

    methods: list[Method] = Field(["saliency", "integrated_gradients"], min_length=1)
    target: Literal["teacher", "label", "own"] = "teacher"
    score: Score = "logit"
    """What of the target class is explained."""
    baseline: Baseline = "mean"
    """Where the path of integrated gradients begins: the data set's mean colour, black, or the image blurred."""
    images: int = Field(300, ge=1)
    tolerance: float = Field(0.015, gt=0, lt=1)
    """A map of integrated gradients is refined until halving its steps changes the parts' densities by less."""
    budget: int = Field(256, ge=9, le=4096)
    """Most gradients a map, converged or not."""


class Measure(Section):
    """What a page does not choose."""

    top_k: int = Field(5, ge=1)


class Keep(Section):
    """What stays on disk of what was computed."""

    maps: int = Field(100, ge=0)
    """Images of the gallery, whose maps are kept."""
    seeds: Literal["all", "first"] = "all"
    """Of which seeds networks, logits, importance and maps stay once all is measured; numbers stay of all."""
    map_size: int = Field(32, ge=8)


class Config(Section):
    """A whole study."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    description: str = ""
    data: Data = Data()
    teacher: Teacher = Teacher()
    students: Students = Students()
    training: Training = Training()
    explain: Explain = Explain()
    measure: Measure = Measure()
    keep: Keep = Keep()

    @model_validator(mode="after")
    def _complete(self) -> "Config":
        if self.data.dataset != "birds" and not self.data.root:
            raise ValueError(f"data.root: the dataset '{self.data.dataset}' needs the folder it lies in")
        if self.data.dataset == "birds" and self.data.train_images < self.data.classes:
            found = f"(found {self.data.train_images} of {self.data.classes} classes)"
            raise ValueError(f"data.train_images: at least one image of every class is needed {found}")
        if self.training.processes > self.training.batch_size:
            found = f"(found {self.training.processes} of {self.training.batch_size} images)"
            raise ValueError(f"training.processes: each needs at least one image of a batch {found}")
        if 1.0 not in self.students.alphas:
            raise ValueError("students.alphas: 1.0 (no distillation) must be among them, every finding is against it")
        if 0.0 not in self.students.explanation_weights:
            raise ValueError("students.explanation_weights: 0.0 must be among them, the findings are about it")
        return self


def presets() -> dict[str, Path]:
    """Return the presets that ship, by name."""
    folder = Path(str(files("core") / "presets"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def read_config(study: str, overrides: tuple[str, ...] = ()) -> Config:
    """Read a preset by name or a TOML file by path.

    Parameters
    ----------
    study : str
        A preset's name, or the path of a TOML file.
    overrides : tuple of str
        `section.key=value` each, the value written as in TOML (a bare word is taken as a string); a path is from the
        current folder.

    Raises
    ------
    UserError
        No such preset or file, not TOML, nothing in it, or a wrong key, type or value: the file, the key, what was
        found and what is allowed are named.
    """
    path = Path(study)
    if path.suffix != ".toml":
        if study not in presets():
            raise unknown("preset", study, presets())
        path = presets()[study]
    try:
        tree = read_toml(path)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as settings in TOML: {error}.") from None
    tree.pop("provenance", None)  # a study.toml can be run again
    for override in overrides:
        _set(tree, override)
    return parse_config(tree, path)


def parse_config(tree: dict[str, Any], origin: Path) -> Config:
    """Check a parsed TOML tree; `origin` is its file, which errors name and paths are relative to."""
    for (name, key), words in PATHS.items():
        section = tree.get(name)
        if isinstance(section, dict) and isinstance(section.get(key), str) and section[key] not in words:
            try:
                path = str((origin.parent / Path(section[key]).expanduser()).resolve())
            except (ValueError, RuntimeError, OSError):  # no character of a path; a user who is not; links in a circle
                raise UserError(
                    f"{origin}: {name}.{key}: there can be no such path (found {section[key]!r})."
                ) from None
            tree = {**tree, name: {**section, key: path}}
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"{origin}: {wrong(error, Config)}") from None
    except RecursionError:
        raise UserError(f"{origin}: {TOO_DEEP}.") from None


def _set(tree: dict[str, Any], override: str) -> None:
    key, found, text = override.partition("=")
    if not found:
        raise UserError(f"--set takes section.key=value, not '{override}'.")
    try:
        value = parse_toml(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    except RecursionError:
        raise UserError(f"--set {key}: {TOO_DEEP}.") from None
    except ValueError as error:
        raise UserError(f"--set {key}: {error}.") from None
    *sections, last = key.strip().split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise UserError(f"--set {override}: '{section}' is not a section.")
    words = PATHS.get((".".join(sections), last))
    if words is not None and isinstance(value, str) and value not in words:
        value = str(Path(value).expanduser().absolute())  # from where it was typed, not from the file
    tree[last] = value


def stated(preset: str) -> str:
    """Return what a preset's file says at its head: what it is for, how long it takes, how much disk."""
    lines = presets()[preset].read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines))
