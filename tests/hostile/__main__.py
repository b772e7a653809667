"""What hostile photos take, in numbers: `python -m tests.hostile [COUNT]`, COUNT of them made at random."""

import signal
import sys
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings

from tests.hostile.mutated import files
from tests.hostile.opening import Opened, Opener
from tests.hostile.photos import either, hostile, odd


def main() -> None:
    """Open every file, then random ones, and print how they ended and the worst of each."""
    found: dict[str, list[Opened]] = {"made": [], "random": []}
    with Opener() as opener:
        for file in {**odd(), **hostile(), **either()}.values():
            found["made"].append(opener.open(file() if callable(file) else file))

        count = int(sys.argv[1]) if sys.argv[1:] else 500

        @settings(max_examples=count, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
        @given(files())
        def search(data: bytes) -> None:
            found["random"].append(opener.open(data))

        search()
    for name, results in found.items():
        said = {0: "an image", 3: "a sentence", -signal.SIGPROF: "cut off"}
        ends = Counter(said.get(each.code, f"ended by {each.code}") for each in results)
        memory, seconds = max(each.memory for each in results) / 1e6, max(each.seconds for each in results)
        print(f"{len(results)} {name} files: {dict(ends)}; at most {memory:.0f} MB above idle, {seconds:.2f} s of CPU")


if __name__ == "__main__":
    main()
