"""Pages on a study of which one file is damaged: one sentence that names it, and everything else as it was."""

from pathlib import Path

import pytest

from core.manifest import Manifest, write_manifest
from core.store import sha256_file
from tests.pages.test_pages import errors, open_page

TEACHER, STUDENT = "resnet34-a1.0-s0", "resnet18-a0.1-s0"
DAMAGED = {
    "study.toml": "rank",
    "summary.parquet": "rank",
    "images.parquet": "explanations",
    f"history/{TEACHER}.parquet": "training",
    f"logits/{TEACHER}.safetensors": "explanations",
    f"maps/saliency/{TEACHER}.safetensors": "explanations",
    f"importance/{TEACHER}.parquet": "explanations",
    f"measures/{STUDENT}.parquet": "changes",
}
"""One file of every kind that pages read, to a page that reads it."""


@pytest.mark.parametrize("name", DAMAGED)
def test_a_page_says_which_file_is_damaged_and_others_are_whole(name: str, cache: Path) -> None:
    folder = cache / "studies" / "tiny"
    files = [
        path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.suffix not in (".toml", ".json")
    ]
    write_manifest(folder, Manifest({file: {"sha256": sha256_file(folder / file), "key": ""} for file in files}))
    content = bytearray((folder / name).read_bytes())
    if name == "study.toml":
        content = content[: content.index(b"[provenance]") + 5]
    else:
        content[len(content) // 2] ^= 8
    (folder / name).write_bytes(content)
    (said,) = errors(open_page(DAMAGED[name], study="tiny", method="Saliency"))
    assert f"{name} is damaged" in said
    assert "\n" not in said
    assert errors(open_page(DAMAGED[name], study="wide")) == []
    other = "training" if DAMAGED[name] != "training" else "rank"
    # The class names are the teacher's, and without a network, as here, the images'.
    needed = name in ("study.toml", "summary.parquet", "images.parquet")
    assert bool(errors(open_page(other, study="tiny"))) == needed
