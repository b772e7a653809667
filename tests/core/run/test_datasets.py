"""Every kind of photos through a whole study, at the size of a stamp, and the presets that need photos."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import read_config
from core.errors import UserError
from core.run.complete import run_study
from core.study import cache_folder
from tests.coco_tree import partimagenet
from tests.cub_tree import cub_tree

SMALL = (
    *("data.image_size=32", "data.validation_fraction=0.3"),
    *("teacher.weights=none", "students.weights=none", "students.width=0.0625", "students.stem=small"),
    *("teacher.architecture=resnet34", "students.architectures=['resnet34', 'resnet18']"),
    *("students.alphas=[1.0, 0.1]", "students.seeds=[0]"),
    *("training.epochs=2", "training.batch_size=4", "explain.images=4", "explain.budget=9", "measure.top_k=2"),
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(("dataset", "tree"), [("cub", cub_tree), ("coco-parts", partimagenet)])
def test_a_study_of_photos_runs_to_its_end(
    here: None, tmp_path: Path, dataset: str, tree: Callable[[Path], Path]
) -> None:
    (tmp_path / "photos").mkdir()
    root = tree(tmp_path / "photos")
    config = read_config("cub", (*SMALL, f"data.dataset={dataset}", f"data.root={root}"))
    study = run_study(config, device="cpu")
    assert study.complete()
    assert study.damaged() == []
    assert study.images()["visible_parts"].min() >= 2
    assert set(study.parts("resnet18-a0.1-s0")["part"]) <= set(study.dataset.parts)
    values = study.summary().set_index(["kind", "cell", "measure"]).sort_index()["estimate"]
    assert values.loc[("cell", "resnet18-a0.1-s0", "focus")].between(0, 1).all()
    # With two or three parts in sight an order of parts says nothing, and nothing is what is shown.
    assert values.loc[("cell", "resnet18-a0.1-s0", "rank_alignment")].isna().all()


@pytest.mark.parametrize("preset", ["cub", "poster"])
def test_a_preset_without_its_photos_says_where_it_looked(preset: str, no_processes: None) -> None:
    with pytest.raises(UserError) as caught:
        run_study(read_config(preset, ("data.root=nowhere",)), device="cpu")
    assert str(caught.value) == (
        f"There is no folder {Path.cwd() / 'nowhere'}; data.root must be the folder the dataset lies in "
        "(--set data.root=FOLDER)."
    )
    assert not cache_folder().exists()


@pytest.mark.parametrize("preset", ["cub", "poster"])
def test_a_preset_of_photos_is_the_posters_grid(preset: str) -> None:
    config = read_config(preset)
    assert (config.data.dataset, config.data.image_size) == ("cub", 224)
    assert config.data.root == str(Path(__file__).resolve().parents[3] / "data" / "CUB_200_2011")
    assert config.teacher.architecture == "resnet101"
    assert config.students.architectures == ["resnet101", "resnet50", "resnet34", "resnet18"]
    assert config.students.alphas == [1.0, 0.5, 0.1]
    assert (config.teacher.weights, config.students.weights, config.students.width) == ("imagenet", "imagenet", 1.0)
