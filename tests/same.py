"""Whether two runs of a study left the same, bit for bit."""

from pathlib import Path

import pandas as pd

from core.store import sha256_file
from core.study import Study


def state(folder: Path) -> dict[str, tuple[int, str]]:
    """When every file was written, and its checksum."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".tmp"]  # a kill leaves it
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, sha256_file(path)) for path in files}


def timeless(table: pd.DataFrame) -> pd.DataFrame:
    """All but what a clock gave."""
    return table[~table["measure"].str.startswith("latency")].reset_index(drop=True)


def same_numbers(a: Study, b: Study) -> None:
    """Bit for bit, whatever took how long."""
    timed = ("history/", "study.toml", "manifest.json", "summary.parquet", "costs.parquet")
    sums = [{name: found for name, (_, found) in state(x.folder).items() if not name.startswith(timed)} for x in (a, b)]
    assert sums[0] == sums[1]
    for cell in a.cells:
        histories = [each.history(cell).drop(columns="seconds") for each in (a, b)]
        pd.testing.assert_frame_equal(*histories, check_exact=True)
    for read in (Study.summary, Study.costs):
        pd.testing.assert_frame_equal(*(timeless(read(each)) for each in (a, b)), check_exact=True)
