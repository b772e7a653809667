"""Settings of a study, filled in: checked at every change by the one reader of settings (`core.config`)."""

import re
from pathlib import Path
from typing import Any, get_args

import streamlit as st

from core.config import MAX_SEEDS, WORDS, Config, Data, Method, Students, parse_config, presets, read_config
from core.errors import UserError
from core.findings import nice_name
from core.study import study_names
from core.toml import parse_toml
from core.wrong_settings import TOO_DEEP
from dashboard.words import method_label

ORIGIN = "These settings"
"""What a wrong setting's sentence begins with."""
DATASETS = {
    "birds": "Drawn birds, built in",
    "folder": "A folder of photos",
    "cub": "CUB-200-2011",
    "coco-parts": "Masks of parts (COCO)",
}
LABELS = {
    "name": "Name",
    "data.root": "Where they lie",
    "data.image_size": "Pixels a side",
    "data.classes": "Species",
    "data.train_images": "Images to learn from",
    "data.test_images": "Images to test on",
    "teacher.architecture": "Teacher",
    "teacher.weights": "Weights the teacher begins with",
    "students.architectures": "Students",
    "students.alphas": "α, weight of the labels",
    "students.seeds": "Trainings of each",
    "students.width": "Width",
    "students.weights": "Weights the students begin with",
    "training.epochs": "Passes over the images",
    "training.batch_size": "Images a step",
    "training.learning_rate": "Learning rate",
    "training.temperature": "Temperature",
    "explain.methods": "Methods",
    "explain.images": "Test images explained",
}
"""What the fields of these settings are called."""
BEGUN = "study begun"
"""Session state: that the name in the form has just become a study's."""
ROOT_HELP = (
    "A path on the computer that serves this page, the whole of it. A folder holds train/<class>/*.jpg and "
    "val/<class>/*.jpg, or one folder of classes; CUB-200-2011 its original layout; masks of parts are "
    "annotations/train.json and val.json in COCO's format, beside the images."
)
MORE_HELP = (
    "One a line, as in a study's TOML file: section.key = value. What is written here goes before the fields. Every "
    "setting and its default: core/config.py."
)
WEIGHTS_HELP = "none; imagenet (downloaded, needs width 1.0); or the whole path of a file on that computer."


def settings() -> Config | None:
    """Draw the form and return the settings; None while no name is given.

    Raises
    ------
    UserError
        What is wrong with them, by field.
    """
    if st.session_state.pop(BEGUN, False):
        st.session_state["form name"] = ""  # the next study takes another
    usual = read_config("quick") if "quick" in presets() else Config(name="own")
    tree: dict[str, Any] = {"name": st.text_input(LABELS["name"], key="form name", placeholder="flowers").strip()}
    tree["description"] = st.text_input("In a sentence, what it is about", key="form description")
    tree["data"] = _data(usual)
    tree["teacher"], tree["students"] = _networks(usual)
    tree["training"] = _training(usual)
    tree["explain"] = _explaining(usual)
    more = st.text_area("Other settings", key="form more", placeholder="training.weight_decay = 1e-4", help=MORE_HELP)
    if not tree["name"]:
        st.caption("Give it a name, to go on.")
        return None
    return checked(_with(tree, more))


def checked(tree: dict[str, Any]) -> Config:
    """Read settings as a TOML file's are read, and hold them to what a page may ask for: a new name, whole paths.

    Raises
    ------
    UserError
        What is wrong with them, by field.
    """
    try:
        return _checked(tree)
    except UserError as error:
        said = str(error)
    for key, label in LABELS.items():
        said = re.sub(rf"(?<![\w.]){re.escape(key)}(\.\d+)?:", f"{label}:", said)
    raise UserError(said)


def _checked(tree: dict[str, Any]) -> Config:
    for section, key, words in (("data", "root", {""}), ("teacher", "weights", WORDS), ("students", "weights", WORDS)):
        path = tree.get(section, {}).get(key, "") if isinstance(tree.get(section), dict) else ""
        if isinstance(path, str) and path not in words | {""} and not Path(path).is_absolute():
            raise UserError(f"{section}.{key}: give the whole path, from the root of the disk (found '{path}').")
    config = parse_config(tree, Path(ORIGIN))
    taken = [*study_names(), *presets()]
    if config.name.casefold() in {name.casefold() for name in taken}:
        raise UserError(f"name: there is a study or a preset called '{config.name}' already; choose another.")
    return config


def _data(usual: Config) -> dict[str, Any]:
    st.markdown("**Images**")
    dataset = st.segmented_control(
        "Which", list(DATASETS), default="birds", key="form dataset", format_func=DATASETS.__getitem__, required=True
    )
    found: dict[str, Any] = {"dataset": dataset}
    if dataset == "birds":
        found |= {"validation_images": usual.data.validation_images, "difficulty": usual.data.difficulty}
        size, *rest = st.columns(4)
        for place, key in zip(rest, ("classes", "train_images", "test_images"), strict=True):
            with place:
                value = getattr(usual.data, key)
                found[key] = st.number_input(LABELS[f"data.{key}"], value=value, key=f"form {key}")
    else:
        found["root"] = st.text_input(LABELS["data.root"], key="form root", placeholder="/data/flowers", help=ROOT_HELP)
        size = st.container()
    with size:
        side = usual.data.image_size if dataset == "birds" else Data(root="-").image_size
        key = f"form size {dataset == 'birds'}"
        found["image_size"] = st.number_input(LABELS["data.image_size"], value=side, key=key)
    return found


def _networks(usual: Config) -> tuple[dict[str, Any], dict[str, Any]]:
    st.markdown("**Networks**")
    known = list(Students().architectures)
    about = "A torchvision classifier; any other than these by typing its name, at width 1.0 only."
    teacher = st.selectbox(
        LABELS["teacher.architecture"],
        known,
        key="form teacher",
        format_func=nice_name,
        help=about,
        accept_new_options=True,
    )
    students = st.multiselect(
        LABELS["students.architectures"],
        known,
        default=known,
        key="form students",
        format_func=nice_name,
        help=about,
        accept_new_options=True,
    )
    alphas, seeds, width = st.columns(3)
    with alphas:
        written = st.text_input(LABELS["students.alphas"], "1.0, 0.5, 0.1", key="form alphas")
    with seeds:
        about_seeds = f"Each from a random start; at most {MAX_SEEDS}."
        count = st.number_input(LABELS["students.seeds"], value=1, key="form seeds", help=about_seeds)
    with width:
        share = st.number_input(
            LABELS["students.width"],
            value=usual.students.width,
            key="form width",
            help="Channels, as a share of the usual.",
            format="%g",
        )
    stem = st.segmented_control(
        "First layer",
        ["small", "imagenet"],
        default="small",
        key="form stem",
        format_func={"small": "For small images", "imagenet": "As for ImageNet"}.__getitem__,
        required=True,
    )
    first, second = st.columns(2)
    with first:
        begins = st.text_input(LABELS["teacher.weights"], "none", key="form teacher weights", help=WEIGHTS_HELP)
    with second:
        begin = st.text_input(LABELS["students.weights"], "none", key="form weights", help=WEIGHTS_HELP)
    return {"architecture": teacher, "weights": begins}, {
        "architectures": students,
        "alphas": _numbers(written),
        # One more than may be is enough to be refused.
        "seeds": list(range(min(int(count), MAX_SEEDS + 1))),
        "width": float(share),
        "stem": stem,
        "weights": begin,
    }


def _training(usual: Config) -> dict[str, Any]:
    st.markdown("**Training**")
    found: dict[str, Any] = {}
    keys = ("epochs", "batch_size", "learning_rate", "temperature")
    for place, key in zip(st.columns(len(keys)), keys, strict=True):
        with place:
            value = getattr(usual.training, key)
            form = "%g" if isinstance(value, float) else None
            found[key] = st.number_input(LABELS[f"training.{key}"], value=value, key=f"form {key}", format=form)
    return found


def _explaining(usual: Config) -> dict[str, Any]:
    st.markdown("**Explaining**")
    left, right = st.columns([2, 1])
    with left:
        own = usual.explain.methods
        methods = st.multiselect(
            LABELS["explain.methods"], get_args(Method), default=own, key="form methods", format_func=method_label
        )
    with right:
        images = st.number_input(LABELS["explain.images"], value=usual.explain.images, key="form explained")
    return {"methods": methods, "images": images, "tolerance": usual.explain.tolerance}


def _numbers(text: str) -> list[float | str]:
    """Return the numbers between commas; what is none is left to the reader of settings, which says so."""
    found: list[float | str] = []
    for word in filter(None, (word.strip() for word in text.replace(";", ",").split(","))):
        try:
            found.append(float(word))
        except ValueError:
            found.append(word)
    return found


def _with(tree: dict[str, Any], more: str) -> dict[str, Any]:
    """Return the settings with those of the text in their place."""
    try:
        others = parse_toml(more)
    except ValueError as error:
        raise UserError(f"Other settings: this is not TOML ({error}).") from None
    except RecursionError:
        raise UserError(f"Other settings: {TOO_DEEP}.") from None
    merged = dict(tree)
    for key, value in others.items():
        merged[key] = (
            {**merged[key], **value} if isinstance(value, dict) and isinstance(merged.get(key), dict) else value
        )
    return merged
