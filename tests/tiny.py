"""A tiny but complete study, written by hand: two architectures, two α, made-up networks that lean on the teacher."""

import functools
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tomli_w

from core.cells import Cell
from core.config import Config, parse_config
from core.convergence import EXACT
from core.costs import COLUMNS
from core.measure_cell import measure_cell, part_shares
from core.store import read_table, write_arrays, write_json, write_table
from core.study import Study
from core.summarise import summarise

Once = Callable[[str, Callable[[Path], None]], Path]
"""What the fixture `once` gives."""
CLASSES, SIDE, MAP_SIDE, KEPT, EXPLAINED = 4, 32, 8, 6, 16
METHODS = ("saliency", "integrated_gradients")


def tiny_config(**sections: Any) -> Config:
    """Settings of a study that is trained in seconds; `training={"epochs": 2}` and the like replace what is here."""
    tree: dict[str, Any] = {
        "name": "small",
        "data": {
            "image_size": SIDE,
            "classes": 3,
            "train_images": 24,
            "validation_images": 12,
            "test_images": 24,
            "difficulty": 0.0,
        },
        "teacher": {"architecture": "resnet34"},
        "students": {
            "architectures": ["resnet34", "resnet18"],
            "alphas": [1.0, 0.1],
            "width": 0.0625,
            "stem": "small",
        },
        "training": {"epochs": 4, "batch_size": 8, "validate_every": 2},
        "explain": {"images": 8, "budget": 17},
        "keep": {"maps": 6, "map_size": 16},
    }
    for name, values in sections.items():
        tree[name] = {**tree.get(name, {}), **values} if isinstance(values, dict) else values
    return parse_config(tree, Path("small.toml"))


def write_toml(path: Path, config: Config) -> Path:
    """Write settings as a TOML file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomli_w.dumps(config.model_dump()), encoding="utf-8")
    return path


def tiny_study(folder: Path, name: str = "tiny", **students: Any) -> Path:
    """Write a study to `folder` (its parent should be cache/studies) and return it.

    `students` overrides the grid: architectures, alphas, seeds.
    """
    tree = {
        "name": name,
        "description": "A study for tests.",
        "data": {
            "dataset": "birds",
            "image_size": SIDE,
            "classes": CLASSES,
            "train_images": 8,
            "validation_images": 4,
            "test_images": 24,
        },
        "teacher": {"architecture": "resnet34"},
        "students": {"architectures": ["resnet34", "resnet18"], "alphas": [1.0, 0.1], "seeds": [0], **students},
        "training": {"epochs": 3, "validate_every": 1},
        "explain": {"methods": list(METHODS), "images": EXPLAINED, "budget": 9},
        "keep": {"maps": KEPT, "map_size": MAP_SIDE},
    }
    config = parse_config(tree, "tiny")
    folder.mkdir(parents=True)
    _write_toml(folder, config)
    study = Study(folder)
    rng = np.random.default_rng(0)
    images = _images(study)
    write_table(folder / "images.parquet", images)
    test = images[images["split"] == "test"]
    explained = images.loc[images["explained"], "id"].to_numpy()
    teacher_logits = rng.normal(size=(len(test), CLASSES)) + 3 * np.eye(CLASSES)[test["label"]]
    parts = study.dataset.parts
    teacher_density = rng.gamma(2.0, size=(len(METHODS), len(explained), len(parts)))
    area = rng.integers(4, 40, size=(len(explained), len(parts))).astype(float)
    area[rng.random(area.shape) < 0.15] = np.nan
    for cell in study.measured:
        teacher = cell == study.teacher
        noise = 0.0 if teacher else 4.0 if cell.untrained else 0.5 if cell.alpha != 1 else 1.5
        logits = teacher_logits + noise * rng.normal(size=teacher_logits.shape)
        write_arrays(study.path("logits", cell), {"ids": test["id"].to_numpy(), "logits": logits.astype(np.float16)})
        density = teacher_density * np.exp(noise * rng.normal(size=teacher_density.shape))
        likeness = 1 / (1 + noise * rng.random((len(METHODS), len(explained))))
        write_table(study.path("importance", cell), _importance(density, area, explained, parts, likeness))
        for method in METHODS:
            maps = rng.normal(size=(KEPT, MAP_SIDE, MAP_SIDE)).astype(np.float16)
            maps = maps if method == "integrated_gradients" else np.abs(maps)
            write_arrays(study.path("maps", cell, method), {"ids": explained[:KEPT], "maps": maps})
        if not cell.untrained:
            write_table(study.path("history", cell), _history(config, rng))
    for cell in study.measured:
        write_table(study.path("measures", cell), measure_cell(study, cell))
        write_table(study.path("parts", cell), part_shares(study, cell))
    write_table(folder / "costs.parquet", _costs(config))
    write_table(folder / "summary.parquet", summarise(study))
    write_json(folder / "manifest.json", {"files": {}})
    return folder


def fall_short(study: Study, cells: Sequence[Cell] = ()) -> None:
    """Say of the integrated gradients of some networks, or of all, that they did not become as exact as asked."""
    for cell in cells or study.cells:
        path = study.path("measures", cell)
        found = read_table(path)
        exact = (found["measure"] == EXACT) & (found["method"] == "integrated_gradients")
        write_table(path, found.assign(value=found["value"].mask(exact, 0)))
    write_table(study.folder / "summary.parquet", summarise(study))


@pytest.fixture(scope="session")
def tiny_folders(once: Once) -> Path:
    """A cache with two studies: `tiny`, and `wide` with three seeds and three α. Read only."""

    def make(cache: Path) -> None:
        tiny_study(cache / "studies" / "tiny")
        tiny_study(cache / "studies" / "wide", name="wide", alphas=[1.0, 0.5, 0.1], seeds=[0, 1, 2])

    return once("tiny_folders", make)


@pytest.fixture
def shared(tiny_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The cache with those two studies, of which Streamlit keeps what earlier tests have seen. Read only."""
    serve(tiny_folders, monkeypatch)
    before = _written(tiny_folders)
    yield tiny_folders
    assert _written(tiny_folders) == before, "who writes takes `cache`"


@pytest.fixture
def cache(tiny_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own with those two studies, to be damaged at will, of which Streamlit has never seen any."""
    shutil.copytree(tiny_folders, tmp_path / "cache")
    serve(tmp_path / "cache", monkeypatch)
    return tmp_path / "cache"


def serve(cache: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the pages that a test runs be of this cache, and waste no time."""
    patch.setenv("WHERE_MODELS_LOOK_CACHE", str(cache))
    patch.setattr("dashboard.warm._work", lambda: None)
    found = _components()
    patch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", lambda: found)


@functools.cache
def _components() -> list[Any]:
    """What Streamlit finds in all packages that are installed; `AppTest` would look for every visitor, for 0.3 s."""
    from streamlit.components.v2.manifest_scanner import scan_component_manifests

    return scan_component_manifests()


def _written(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def _write_toml(folder: Path, config: Config) -> None:
    lines = [f'name = "{config.name}"', f'description = "{config.description}"']
    for section, values in config.model_dump().items():
        if isinstance(values, dict):
            lines.append(f"[{section}]")
            lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
    lines += ["[provenance]", 'device = "cpu"', 'torch = "2.13.0"', "threads = 1"]
    (folder / "study.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _images(study: Study) -> pd.DataFrame:
    table = study.dataset.table[["id", "label", "split", "source"]].copy()
    test = table[table["split"] == "test"]
    turn = test.assign(turn=test.groupby("label").cumcount()).sort_values(["turn", "label"])["id"].to_numpy()
    table["visible_parts"] = 12
    table["explained"] = table["id"].isin(turn[:EXPLAINED])
    table["kept"] = table["id"].isin(turn[:KEPT])
    return table


def _importance(
    density: np.ndarray, area: np.ndarray, ids: np.ndarray, parts: tuple[str, ...], likeness: np.ndarray
) -> pd.DataFrame:
    frames = []
    for method, values, alike in zip(METHODS, density, likeness, strict=True):
        mass = values * area
        frames.append(
            pd.DataFrame(
                {
                    "image": np.repeat(ids, len(parts)),
                    "method": method,
                    "part": list(parts) * len(ids),
                    "mass": mass.ravel().astype(np.float32),
                    "density": np.where(np.isnan(mass), np.nan, values).ravel().astype(np.float32),
                    "area": area.ravel().astype(np.float32),
                    "total": np.repeat(np.nansum(mass, 1) * 1.5, len(parts)).astype(np.float32),
                    "gap": np.float32(0.01 if method == "integrated_gradients" else np.nan),
                    "d": np.float32(0.08 if method == "integrated_gradients" else 0),
                    "part_d": np.float32(0.012 if method == "integrated_gradients" else 0),
                    "evaluations": np.int32(33 if method == "integrated_gradients" else 1),
                    "converged": True,
                    "similarity": np.repeat(alike, len(parts)).astype(np.float32),
                    "similarity_shuffled": np.repeat(alike / 3, len(parts)).astype(np.float32),
                }
            )
        )
    table = pd.concat(frames, ignore_index=True).astype({"method": "category", "part": "category"})
    return table.sort_values(["method", "image"], kind="stable", ignore_index=True)


def _costs(config: Config) -> pd.DataFrame:
    """Costs in the proportions of the architectures."""
    rows = []
    for architecture in dict.fromkeys([config.teacher.architecture, *config.students.architectures]):
        size = {"resnet34": 257045.0, "resnet18": 135399.0}[architecture]
        for measure, value in (("parameters", size), ("macs", 218 * size), ("file_size", 2.1 * size)):
            rows.append(("", architecture, measure, value, value, value, 1))
        rows.append(("", architecture, "latency_cpu", 3e-5 * size, 2.9e-5 * size, 3.2e-5 * size, 40))
    return pd.DataFrame(rows, columns=COLUMNS)


def _history(config: Config, rng: np.random.Generator) -> pd.DataFrame:
    epochs = np.arange(1, config.training.epochs + 1)
    return pd.DataFrame(
        {
            "epoch": epochs.astype(np.int32),
            "learning_rate": 0.1 / epochs,
            "loss": 2.0 / epochs,
            "cross_entropy": 2.0 / epochs,
            "divergence": 1.0 / epochs,
            "train_accuracy": 1 - 0.7 / epochs,
            "validation_accuracy": 1 - 0.8 / epochs + 0.01 * rng.random(len(epochs)),
            "seconds": 1.0,
        }
    )
