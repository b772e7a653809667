"""Heavy commands run aside give their answer, or the one sentence of their error."""

import io
import sys
import zipfile
from contextlib import redirect_stderr
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import torch
from safetensors.torch import save

from core import cli
from core.errors import UserError
from core.header import read_header
from core.imported import add_model
from core.models import build
from core.overview import overview
from core.run import aside
from core.study import Study
from core.turns import Place
from tests.tiny import tiny_config

SLIM = (0.0625, "small")


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return build("resnet18", 3, *SLIM).state_dict()


def saved(path: Path, what: object) -> bytes:
    torch.save(what, path)
    return path.read_bytes()


class Here:
    """A command done in this process, for no seconds of imports."""

    def __init__(self, words: list[str], stderr: IO[bytes], **options: object) -> None:
        said, self.returncode = io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, redirect_stderr(said):
            patch.setattr(sys, "argv", words[2:])
            try:
                cli.main()
            except SystemExit as stop:
                self.returncode = int(stop.code or 0)
        stderr.write(said.getvalue().encode())

    def wait(self, seconds: float) -> None:
        pass

    def poll(self) -> int:
        return self.returncode


def test_a_checkpoint_is_kept_when_it_fits(ran_copy: Study) -> None:
    aside.add("small", "mine", "resnet18", save(state()), ".safetensors", *SLIM, Place())
    assert read_header(ran_copy.path("models", "mine")).architecture == "resnet18"
    seen = overview("small")
    assert (seen.cells, seen.trained, seen.measured, seen.word) == (5, 5, 4, "not finished")


def test_what_does_not_fit_or_could_run_is_refused_and_nothing_is_kept(
    ran_copy: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(1_000_000))
    wild = {key: value * np.nan if value.is_floating_point() else value for key, value in state().items()}
    refused = {
        "do not fit": save({"other": torch.zeros(2)}),
        "could run code": saved(tmp_path / "evil.pth", Evil()),
        "unpacks to far more": packed.read_bytes(),
        "not finite": saved(tmp_path / "wild.pth", wild),
        "cannot be read": b"no weights",
    }
    before = sorted(ran_copy.folder.rglob("*"))
    for said, content in refused.items():
        file = tmp_path / f"weights{'.safetensors' if said in ('do not fit', 'cannot be read') else '.pth'}"
        file.write_bytes(content)
        with pytest.raises(UserError, match=said):
            add_model(ran_copy, "mine", "resnet18", file, *SLIM)
    with pytest.raises(UserError, match="could run code") as caught:
        aside.add("small", "mine", "resnet18", refused["could run code"], ".pth", *SLIM, Place())
    assert str(caught.value).startswith("The file")
    monkeypatch.setattr(aside.subprocess, "Popen", Here)
    with pytest.raises(UserError, match=r"^The weights do not fit: bn1\.bias is missing"):
        aside.add("small", "mine", "resnet18", refused["do not fit"], ".safetensors", *SLIM, Place())
    with pytest.raises(UserError, match=r"cannot be a cell's name: .* at most 64, the first a letter or a digit"):
        aside.add("small", "../mine", "resnet18", save(state()), ".safetensors", *SLIM, Place())
    assert sorted(ran_copy.folder.rglob("*")) == before
    assert not (tmp_path / "ran").exists()


def test_what_a_study_would_take_comes_back_whole(ran: Study) -> None:
    found = aside.expected(tiny_config(), Place())
    assert found["seconds"] > 0
    assert found["sentence"].startswith("About ")
    there = sum(path.stat().st_size for path in ran.folder.rglob("*") if path.is_file())
    assert there / 2 < found["bytes"] < 2 * there


def test_a_study_that_cannot_be_run_says_so_before_it_begins(ran: Study) -> None:
    with pytest.raises(UserError, match=r"^There is no folder|/nowhere"):
        aside.expected(tiny_config(data={"dataset": "folder", "root": "/nowhere"}), Place())
