import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from core.cells import Cell
from core.errors import UserError
from core.imported import add_model
from core.store import sha256_file, write_arrays, write_json
from core.study import Study, cache_folder, open_study, study_names
from core.weights import read_weights
from tests.tiny import tiny_study

STUDENT = "resnet18-a0.1-s0"


def test_a_study_is_opened_by_its_name_or_its_folder(ran: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == ran.folder.parents[1]
    assert study_names() == ["small"]
    assert open_study("small").folder == ran.folder
    assert open_study(ran.folder).config == ran.config
    assert open_study(str(ran.folder)).name == "small"
    monkeypatch.chdir(ran.folder.parent)
    assert open_study("small").name == "small"


def test_an_unknown_study_has_its_near_matches(ran: Study) -> None:
    with pytest.raises(UserError, match=r"^There is no study called 'smal'. Did you mean small\?$"):
        open_study("smal")
    with pytest.raises(UserError, match="There is: small"):
        open_study("zzz")
    for name in ("", "/nowhere/at all", "../small", "."):
        with pytest.raises(UserError, match="no study called"):
            open_study(name)


def test_without_a_cache_there_is_no_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "none"))
    assert study_names() == []
    with pytest.raises(UserError, match="There is no study yet"):
        open_study("birds")
    assert not (tmp_path / "none").exists(), "looking makes nothing"
    with pytest.raises(UserError, match="There is no study in"):
        Study(tmp_path)


def test_its_cells(ran: Study) -> None:
    names = [cell.name for cell in ran.cells]
    assert names == ["resnet34-a1.0-s0", "resnet34-a0.1-s0", "resnet18-a1.0-s0", STUDENT]
    assert ran.teacher == ran.cells[0]
    assert ran.cell(STUDENT) == Cell("resnet18", 0.1, 0)
    with pytest.raises(UserError, match=r"no cell called 'resnet18-a0.2-s0'. Did you mean resnet18-a0\.1-s0"):
        ran.cell("resnet18-a0.2-s0")


def test_what_it_says_of_itself(ran: Study) -> None:
    assert ran.complete()
    assert ran.knows == "three drawn birds"
    assert {"device", "started", "commit", "python", "machine", "threads_per_cell", "versions"} <= set(ran.provenance)
    assert ran.provenance["threads_per_cell"] == 1
    assert ran.provenance["versions"]["torch"] == torch.__version__


def test_tables(ran: Study) -> None:
    images = ran.images()
    assert images["split"].value_counts().to_dict() == {"train": 24, "test": 24, "validation": 12}
    assert images["explained"].sum() == 8
    assert images["kept"].sum() == 6
    assert images.loc[images["explained"], "label"].value_counts().max() == 3, "the classes in turn"
    history = ran.history(STUDENT)
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["validation_accuracy"].isna().tolist() == [True, False, True, False]
    assert (ran.history(ran.teacher)["divergence"] == 0).all()
    ids, logits = ran.logits(STUDENT)
    assert ids.tolist() == images.loc[images["split"] == "test", "id"].tolist()
    assert logits.shape == (24, 3)
    assert logits.dtype == np.float32
    importance = ran.importance(STUDENT)
    assert len(importance) == 2 * 8 * 15
    assert set(importance.columns) >= {"image", "method", "part", "mass", "density", "area", "total", "gap"}
    assert importance.loc[importance["method"] == "saliency", "gap"].isna().all()
    hidden = importance["area"].isna()
    assert importance.loc[hidden, ["mass", "density"]].isna().all(axis=None), "not visible: NaN, never 0"
    assert importance.loc[~hidden, "mass"].notna().all()
    every = ran.measures()
    assert set(every["cell"]) == {cell.name for cell in ran.cells}
    of_one = every[every["cell"] == STUDENT].drop(columns="cell").reset_index(drop=True)
    pd.testing.assert_frame_equal(of_one, ran.measures(STUDENT), check_dtype=False, check_categorical=False)
    assert len(ran.importance()) == 4 * len(importance)


def test_labels_follow_the_order_asked_for(ran: Study) -> None:
    table = ran.images()
    chosen = [40, 3, 17]
    assert ran.labels(chosen).tolist() == [int(table.loc[table["id"] == i, "label"].iloc[0]) for i in chosen]


def test_maps_follow_the_order_asked_for(ran: Study) -> None:
    ids, maps = ran.maps(STUDENT, "integrated_gradients")
    assert maps.shape == (6, 16, 16)
    assert maps.dtype == np.float32
    assert maps.min() < 0 < maps.max(), "signed"
    chosen = [int(ids[4]), int(ids[0])]
    got, some = ran.maps(STUDENT, "integrated_gradients", chosen)
    assert got.tolist() == chosen
    np.testing.assert_array_equal(some, maps[[4, 0]])
    assert ran.maps(STUDENT, "saliency", [])[1].shape == (0, 16, 16)
    with pytest.raises(UserError, match=r"No map of image 0 was kept in the study 'small'"):
        ran.maps(STUDENT, "saliency", [0])


def test_networks(ran: Study) -> None:
    header = ran.header(STUDENT)
    assert (header.architecture, header.alpha, header.seed, header.image_size) == ("resnet18", 0.1, 0, 32)
    assert header.classes == ran.dataset.classes
    assert header.teacher == ran.header(ran.teacher).digest
    assert ran.header("resnet18-a1.0-s0").teacher is None
    model = ran.model(STUDENT)
    assert not model.training
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 3)


READERS: dict[str, tuple[str, Callable[[Study], object]]] = {
    "images.parquet": ("images.parquet", lambda s: s.images()),
    "summary.parquet": ("summary.parquet", lambda s: s.summary()),
    "costs.parquet": ("costs.parquet", lambda s: s.costs()),
    "manifest.json": ("manifest.json", lambda s: s.damaged()),
    f"history/{STUDENT}.parquet": (STUDENT, lambda s: s.history(STUDENT)),
    f"logits/{STUDENT}.safetensors": (STUDENT, lambda s: s.logits(STUDENT)),
    f"maps/saliency/{STUDENT}.safetensors": (STUDENT, lambda s: s.maps(STUDENT, "saliency")),
    f"importance/{STUDENT}.parquet": (STUDENT, lambda s: s.importance(STUDENT)),
    f"measures/{STUDENT}.parquet": (STUDENT, lambda s: s.measures()),
    f"models/{STUDENT}.safetensors": (STUDENT, lambda s: s.model(STUDENT)),
    "study.toml": ("study.toml", lambda s: Study(s.folder)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_missing_or_damaged_file_is_one_sentence_with_its_name(name: str, ran_copy: Study) -> None:
    file, read = READERS[name]
    path = ran_copy.folder / name
    whole = path.read_bytes()
    read(ran_copy)
    # Cut between two settings a TOML is a TOML still, and its half may be there: within a heading it is none.
    cut = whole.index(b"[provenance]") + 5 if name == "study.toml" else len(whole) // 2
    for content in (b"", b"garbage [", whole[:cut]):
        path.write_bytes(content)
        if name == "study.toml" and content == b"":
            continue  # an empty TOML is a TOML: it is the name that is missing
        with pytest.raises(UserError, match=file) as caught:
            read(Study(ran_copy.folder) if name != "study.toml" else ran_copy)
        assert "\n" not in str(caught.value)
        if name != "study.toml":
            assert "python -m core run small makes it anew" in str(caught.value)
    path.unlink()
    if name == "manifest.json":
        assert Study(ran_copy.folder).manifest == {}
        return
    with pytest.raises(UserError):
        read(ran_copy)


def test_a_study_toml_without_a_name_is_one_sentence(ran_copy: Study) -> None:
    (ran_copy.folder / "study.toml").write_text("[data]\n")
    with pytest.raises(UserError, match=r"study\.toml: name is missing"):
        open_study("small")


@pytest.mark.parametrize(
    "made", ["provenance = 3", "[provenance]\nknows = ['a']", "[provenance]\nversions = 3", "[[provenance]]"]
)
def test_what_no_run_says_of_how_it_was_made_is_one_sentence(made: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(f'name = "x"\n{made}\n')
    with pytest.raises(UserError, match=r"^\S+study\.toml: \[provenance\] is not as a run writes it; put it back"):
        Study(tmp_path)


def test_a_name_made_for_a_shell_runs_nothing(ran_copy: Study) -> None:
    """Of a study that somebody passed on: its name is in the command that people are told to type."""
    place = ran_copy.folder.rename(ran_copy.folder.with_name("$(touch x); a b"))
    words = ["python", "-m", "core", "run"]
    assert shlex.split(open_study(place.name).command) == [*words, place.name]
    elsewhere = place.rename(place.parents[1] / place.name)
    assert shlex.split(Study(elsewhere).command) == [*words, str(elsewhere / "study.toml"), "--out", str(elsewhere)]


def test_damaged_files_are_found(ran_copy: Study) -> None:
    assert ran_copy.damaged() == []
    flipped = ran_copy.path("logits", STUDENT)
    content = bytearray(flipped.read_bytes())
    content[-1] ^= 1
    flipped.write_bytes(content)
    ran_copy.path("maps", STUDENT, "saliency").unlink()
    assert sorted(ran_copy.damaged()) == [f"logits/{STUDENT}.safetensors", f"maps/saliency/{STUDENT}.safetensors"]


def test_reading_writes_nothing(ran: Study) -> None:
    def state() -> dict[Path, tuple[int, str]]:
        files = [path for path in sorted(cache_folder().rglob("*")) if path.is_file()]
        return {path: (path.stat().st_mtime_ns, sha256_file(path)) for path in files}

    before = state()
    study = Study(ran.folder)
    for _, read in READERS.values():
        read(study)
    study.dataset.load([0])
    assert state() == before


def test_an_imported_network_is_the_last_cell(ran_copy: Study) -> None:
    weights = ran_copy.folder / "own.pth"
    torch.save(read_weights(ran_copy.path("models", STUDENT)), weights)
    add_model(ran_copy, "a.b", "resnet18", weights, 0.0625, "small")
    study = Study(ran_copy.folder)
    assert study.cells[-1] == study.cell("a.b") == Cell("resnet18", None, None, "a.b")
    assert len(study.cells) == 5


def test_a_network_of_an_earlier_grid_is_no_cell(ran_copy: Study) -> None:
    models = ran_copy.folder / "models"
    shutil.copy(models / f"{STUDENT}.safetensors", models / "resnet18-a0.5-s0.safetensors")
    assert len(Study(ran_copy.folder).cells) == 4


def test_a_study_that_was_only_begun(tmp_path: Path, ran: Study) -> None:
    shutil.copy(ran.folder / "study.toml", tmp_path / "study.toml")
    study = Study(tmp_path)
    assert not study.complete()
    assert study.manifest == {}
    assert study.damaged() == []
    assert len(study.cells) == 4
    with pytest.raises(UserError, match=r"0 of 4 networks are trained, .* run .*study.toml --out"):
        study.summary()


def test_arrays_of_another_shape_do_not_pass_for_maps(ran_copy: Study) -> None:
    write_arrays(ran_copy.path("maps", STUDENT, "saliency"), {"other": np.zeros(3)})
    with pytest.raises(UserError, match="damaged"):
        ran_copy.maps(STUDENT, "saliency")
    write_json(ran_copy.folder / "manifest.json", ["not", "a", "manifest"])
    with pytest.raises(UserError, match="damaged"):
        Study(ran_copy.folder).damaged()


def test_a_study_that_is_deleted_while_its_files_are_listed_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(tiny_study(tmp_path / "tiny"))

    def gone(folder: Path, pattern: str) -> None:
        raise FileNotFoundError(folder)

    monkeypatch.setattr(Path, "glob", gone)
    assert study.brought_in() == []


def test_a_file_that_is_deleted_while_it_is_checked_is_missing(
    ran_copy: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ran_copy.damaged() == []
    gone = ran_copy.folder / next(iter(ran_copy.manifest))

    def sums(path: Path) -> str:
        if path == gone:
            gone.unlink()
        return sha256_file(path)

    monkeypatch.setattr("core.study.sha256_file", sums)
    assert ran_copy.damaged() == [next(iter(ran_copy.manifest))]
