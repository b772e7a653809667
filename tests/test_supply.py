"""Every package is locked, listed with its licence, and may stand beside MIT-licensed code."""

import re
from email.message import Message
from types import SimpleNamespace

import pytest

from tests import supply

FILES = ("requirements.txt", "requirements-dev.txt")


def pins(text: str) -> dict[str, str]:
    """The packages of a requirements file with their versions."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


def test_every_package_is_in_the_lock_and_the_pins_are_the_same() -> None:
    locked = pins(supply.LOCK.read_text(encoding="utf-8"))
    assert set(supply.needed(*FILES)) - {"where-models-look"} <= set(locked), "python -m tests.supply"
    for file in FILES:
        pinned = pins((supply.ROOT / file).read_text(encoding="utf-8"))
        assert {name: locked.get(name) for name in pinned} == pinned, "python -m tests.supply"


def test_hashes_are_of_the_versions_in_the_lock() -> None:
    text = supply.HASHES.read_text(encoding="utf-8")
    hashed = pins(text)
    assert hashed.items() <= pins(supply.LOCK.read_text(encoding="utf-8")).items()
    assert len(hashed) == len(re.findall(r" --hash=sha256:[0-9a-f]{64}$", text, re.MULTILINE)) > 40


@pytest.mark.parametrize("path", [supply.LOCK, supply.HASHES], ids=lambda path: path.name)
def test_a_lock_names_no_host(path) -> None:
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links", path.read_text(encoding="utf-8"))


def test_every_licence_is_listed_and_compatible() -> None:
    rows = dict(re.findall(r"^\| ([\w.-]+) \| (.+) \|$", supply.LICENCES.read_text(encoding="utf-8"), re.MULTILINE))
    found = {name: supply.licence(package) for name, package in supply.needed(*FILES).items()}
    assert found.items() <= rows.items(), "python -m tests.supply"
    assert {name: said for name, said in found.items() if not supply.permitted(said)} == {}


@pytest.mark.parametrize(
    ("said", "permitted"),
    [
        ({"License-Expression": "MIT"}, True),
        ({"License-Expression": "GPL-3.0-or-later"}, False),
        ({"License-Expression": "MIT AND GPL-2.0-only"}, False),
        ({"License-Expression": "GPL-2.0-only OR BSD-3-Clause"}, True),
        ({"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"}, False),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, True),
        ({"License": "Proprietary"}, False),
        ({}, False),
    ],
)
def test_what_is_permitted(said: dict[str, str], permitted: bool) -> None:
    about = Message()
    about["Name"] = "some"
    for key, value in said.items():
        about[key] = value
    assert supply.permitted(supply.licence(SimpleNamespace(metadata=about))) == permitted
