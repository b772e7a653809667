"""Settings of a study, filled in: checked at every change by the one reader of settings (`core.config`)."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import streamlit as st

from core.config import WORDS, Config, Data, Method, Students, parse_config, presets, read_config
from core.errors import UserError
from core.findings import nice_name
from core.study import study_names
from dashboard.words import method_label

ORIGIN = "These settings"
"""What a wrong setting's sentence begins with."""
DATASETS = {"birds": "Drawn birds, built in", "folder": "A folder of photos", "cub": "CUB-200-2011"}
ROOT_HELP = (
    "A path on the computer that serves this page, the whole of it. A folder holds train/<class>/*.jpg and "
    "val/<class>/*.jpg, or one folder of classes; CUB-200-2011 its original layout."
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
        What is wrong with them, by key.
    """
    usual = read_config("quick") if "quick" in presets() else Config(name="own")
    tree: dict[str, Any] = {"name": st.text_input("Name", key="form name", placeholder="flowers").strip()}
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
        What is wrong with them, by key.
    """
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
        for place, (key, label) in zip(
            rest,
            {"classes": "Species", "train_images": "Images to learn from", "test_images": "Images to test on"}.items(),
            strict=True,
        ):
            with place:
                found[key] = st.number_input(label, value=getattr(usual.data, key), key=f"form {key}")
    else:
        found["root"] = st.text_input("Where they lie", key="form root", placeholder="/data/flowers", help=ROOT_HELP)
        size = st.container()
    with size:
        side = usual.data.image_size if dataset == "birds" else Data(root="-").image_size
        found["image_size"] = st.number_input("Pixels a side", value=side, key=f"form size {dataset == 'birds'}")
    return found


def _networks(usual: Config) -> tuple[dict[str, Any], dict[str, Any]]:
    st.markdown("**Networks**")
    known = list(Students().architectures)
    about = "A torchvision classifier; any other than these by typing its name, at width 1.0 only."
    teacher = st.selectbox(
        "Teacher",
        known,
        key="form teacher",
        format_func=nice_name,
        help=about,
        accept_new_options=True,
    )
    students = st.multiselect(
        "Students",
        known,
        default=known,
        key="form students",
        format_func=nice_name,
        help=about,
        accept_new_options=True,
    )
    alphas, seeds, width = st.columns(3)
    with alphas:
        written = st.text_input("α, weight of the labels", "1.0, 0.5, 0.1", key="form alphas")
    with seeds:
        count = st.number_input("Trainings of each", value=1, key="form seeds", help="Each from a random start.")
    with width:
        share = st.number_input(
            "Width",
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
        begins = st.text_input("Weights the teacher begins with", "none", key="form teacher weights", help=WEIGHTS_HELP)
    with second:
        begin = st.text_input("Weights the students begin with", "none", key="form weights", help=WEIGHTS_HELP)
    return {"architecture": teacher, "weights": begins}, {
        "architectures": students,
        "alphas": _numbers(written),
        "seeds": list(range(int(count))),
        "width": float(share),
        "stem": stem,
        "weights": begin,
    }


def _training(usual: Config) -> dict[str, Any]:
    st.markdown("**Training**")
    found: dict[str, Any] = {}
    labels = {
        "epochs": "Passes over the images",
        "batch_size": "Images a step",
        "learning_rate": "Learning rate",
        "temperature": "Temperature",
    }
    for place, (key, label) in zip(st.columns(len(labels)), labels.items(), strict=True):
        with place:
            value = getattr(usual.training, key)
            form = "%g" if isinstance(value, float) else None
            found[key] = st.number_input(label, value=value, key=f"form {key}", format=form)
    return found


def _explaining(usual: Config) -> dict[str, Any]:
    st.markdown("**Explaining**")
    left, right = st.columns([2, 1])
    with left:
        own = usual.explain.methods
        methods = st.multiselect("Methods", get_args(Method), default=own, key="form methods", format_func=method_label)
    with right:
        images = st.number_input("Test images explained", value=usual.explain.images, key="form explained")
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
        others = tomllib.loads(more)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"Other settings: this is not TOML ({error}).") from None
    merged = dict(tree)
    for key, value in others.items():
        merged[key] = (
            {**merged[key], **value} if isinstance(value, dict) and isinstance(merged.get(key), dict) else value
        )
    return merged
