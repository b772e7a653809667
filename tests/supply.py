"""Every package that this software stands on: its version, its licence and, where all get the same file, its hash.

`python -m tests.supply` writes `requirements.lock`, `requirements.hashes` and `docs/LICENCES.md` anew from what is
installed; run it in a fresh environment after `requirements.txt` or `requirements-dev.txt` have changed.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK, HASHES, LICENCES = ROOT / "requirements.lock", ROOT / "requirements.hashes", ROOT / "docs" / "LICENCES.md"
ABOUT_LOCK = """\
# Every package, direct or not, in the version that the tests were run with (Linux, Python {python}). It is a list of
# constraints: pip install -r requirements.txt -c requirements.lock  (or -r requirements-dev.txt, to work on the code).
# Written by: python -m tests.supply
"""
ABOUT_HASHES = """\
# The pure-Python packages of requirements.lock, of which everybody is served the same file, with its hash. The others
# (torch, numpy, …) differ from platform to platform. To have these checked, install them first:
# pip install --no-deps --require-hashes -r requirements.hashes
# and then the rest: pip install -r requirements.txt -c requirements.lock
# Written by: python -m tests.supply
"""
ABOUT_LICENCES = """\
# Licences

What is installed with this software, which is itself under the MIT licence, and what its packages say of their own
licence. None is copied into this repository. Those of the first table are needed to use it, those of the second only to
work on it. All permit use beside MIT-licensed code; the Mozilla Public License asks that changes to its own files be
shared, which nobody makes here. A test fails on a package that is not listed, or is under another licence.
Written by `python -m tests.supply`.
"""
ALLOWED = {
    *(
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
    ),
    *("ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib"),
}
"""What may stand beside MIT-licensed code; no GPL among it."""
SAID = {
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""How packages that do not use SPDX's names call their licences."""
BY_FILE = {"axe-playwright-python": "MIT"}
"""Packages that say it in their licence's file alone, which somebody has read."""


def asked(file: str) -> list[Requirement]:
    """Return what a requirements file asks for by name."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if re.match(r"\w", line)]


def needed(*files: str) -> dict[str, Distribution]:
    """Return every installed package that requirements files ask for, themselves or by way of another, by name."""
    found: dict[str, Distribution] = {}
    waiting = [requirement for file in files for requirement in asked(file)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found[name] = distribution(requirement.name)
        further = map(Requirement, found[name].requires or [])
        extras = [*requirement.extras, ""]
        waiting += [
            each for each in further if not each.marker or any(each.marker.evaluate({"extra": one}) for one in extras)
        ]
    return dict(sorted(found.items()))


def licence(package: Distribution) -> str:
    """Return what a package says of its licence, as an SPDX expression where it says enough for one."""
    about = package.metadata
    if expression := about.get("License-Expression"):
        return expression
    classes = [each.split(" :: ")[-1] for each in about.get_all("Classifier") or [] if each.startswith("License :: ")]
    said = classes or (about.get("License") or "").splitlines()[:1]
    return " AND ".join(SAID.get(each, each) for each in said) or BY_FILE.get(canonicalize_name(about["Name"]), "")


def permitted(expression: str) -> bool:
    """Return whether an SPDX expression leaves a choice of licences that are all among `ALLOWED`."""
    together = expression.replace("(", "").replace(")", "").split(" AND ")
    return all(any(each in ALLOWED for each in one.split(" OR ")) for one in together)


def version(package: Distribution) -> str:
    """Return a package's version, without what a registry of its own adds to it (torch's "+cpu")."""
    return package.version.partition("+")[0]


def main() -> None:
    """Write the files."""
    used, all_ = needed("requirements.txt"), needed("requirements.txt", "requirements-dev.txt")
    pinned = [f"{name}=={version(package)}" for name, package in all_.items()]
    LOCK.write_text(
        ABOUT_LOCK.format(python=".".join(map(str, sys.version_info[:2]))) + "\n".join(pinned) + "\n", encoding="utf-8"
    )
    pure = [
        f"{name}=={version(package)}"
        for name, package in all_.items()
        if "Tag: py3-none-any" in (package.read_text("WHEEL") or "")
    ]
    lines = [f"{pin} --hash=sha256:{digest}" for pin, digest in zip(pure, _hashes(pure), strict=True)]
    HASHES.write_text(ABOUT_HASHES + "\n".join(lines) + "\n", encoding="utf-8")
    others = {name: package for name, package in all_.items() if name not in used}
    LICENCES.write_text("\n".join([ABOUT_LICENCES, *_table(used), "", *_table(others), ""]), encoding="utf-8")


def _table(packages: dict[str, Distribution]) -> list[str]:
    rows = [f"| {name} | {licence(package)} |" for name, package in packages.items()]
    return ["| package | licence |", "|---|---|", *rows]


def _hashes(pins: list[str]) -> list[str]:
    """Return the sha256 of each package's one file for all platforms, as pip is told of it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = ["install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary=:all:"]
        subprocess.run([sys.executable, "-m", "pip", *command, "--report", report, *pins], check=True)
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    digests = {
        canonicalize_name(each["metadata"]["name"]): each["download_info"]["archive_info"]["hashes"]["sha256"]
        for each in found
    }
    return [digests[pin.partition("==")[0]] for pin in pins]


if __name__ == "__main__":
    main()
