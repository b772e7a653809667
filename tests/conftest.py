"""One thread for every test: the same bits on any machine, and room for what else runs on it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import pytest  # noqa: E402
import torch  # noqa: E402
from filelock import FileLock  # noqa: E402

from core.study import Study, open_study  # noqa: E402
from tests.tiny import Once, tiny_config  # noqa: E402

torch.set_num_threads(1)

DEAREST = (
    *("core/run/test_cluster.py", "browser/test_photos_asked.py", "browser/test_dashboard.py"),
    *("browser/test_accessibility.py", "dashboard/test_bench.py", "core/run/test_launch.py", "browser/test_runs.py"),
    *("browser/test_viewer_hands.py", "core/run/test_complete.py", "browser/test_clicks.py", "pages/test_pages.py"),
    *("browser/test_explanations_hands.py", "browser/test_links.py", "core/live/test_explain.py"),
    *("core/distill/test_train.py", "browser/test_viewer_panels.py", "core/test_faults.py", "core/test_cli.py"),
    *("core/run/test_aside.py", "core/data/test_hostile.py", "core/test_imagenet.py", "core/test_report.py"),
    *("core/live/test_check.py", "core/bench/test_ig.py", "pages/test_explanations.py"),
)
"""Files that take longest: they come first, so that in the end no worker waits for another with one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(DEAREST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make a folder by its name where no process of this session has; read only."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = base / name, base / f"{name}.done"
        with FileLock(base / f"{name}.lock"):
            if not done.exists():
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def run_cache(once: Once) -> Path:
    """A cache in which `tiny_config()` was run once, by processes, without a disturbance. Read only."""
    from core.run.complete import run_study

    def make(cache: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WHERE_MODELS_LOOK_CACHE", str(cache))
            run_study(tiny_config(), device="cpu")

    return once("run_cache", make)


@pytest.fixture
def ran(run_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The study that was run. Read only."""
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(run_cache))
    return open_study("small")


@pytest.fixture
def ran_copy(ran: Study, run_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A copy of the study that was run, to be damaged at will; it is the one that its name now means."""
    shutil.copytree(run_cache, tmp_path / "cache")
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "cache"))
    return open_study("small")
