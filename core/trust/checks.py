"""What a map is tested for, what the tests of one found, and how far it may be trusted after that."""

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np

Level: TypeAlias = Literal["passes", "partly", "fails", "flat"]

STEPS = 8
"""Parts of equal size in which pixels are removed or added: areas under curves need no more."""
RANDOM = 19
"""Random orders that removing and adding are held against: a map of nothing is ahead of all in one case of twenty."""
SHARES = (0.0, 0.5, 1.0)
"""Of a network's layers whose weights are shuffled, from the logits back; at 0 the last layer alone."""


@dataclass(frozen=True)
class Check:
    """One test of a map."""

    name: str
    label: str
    sentence: str
    """What is done, and what a good map does."""
    threshold: float
    at_least: bool
    """Whether the value must reach the threshold, or stay within it."""
    form: str
    """How a value is written."""
    counts: int
    """Faults that failing it counts as."""
    reference: str

    def passed(self, value: float) -> bool:
        """Return whether a value, not NaN, is on the right side."""
        return value >= self.threshold if self.at_least else value <= self.threshold

    @property
    def rule(self) -> str:
        """The threshold in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.written(self.threshold)}"

    def written(self, value: float) -> str:
        """Return a value as people read it."""
        return "undefined" if np.isnan(value) else self.form.format(value).replace("-", "−")


CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check(
            name="deletion",
            label="Deletion",
            sentence="Pixels are removed, the map's most important first: the class's probability should fall "
            f"sooner than in each of {RANDOM} random orders. The number of those that it is ahead of.",
            threshold=RANDOM,
            at_least=True,
            form=f"{{:.0f}} of {RANDOM}",
            counts=1,
            reference="Petsiuk, Das and Saenko, BMVC 2018, arXiv 1806.07421",
        ),
        Check(
            name="insertion",
            label="Insertion",
            sentence="Pixels are added to an empty image, the map's most important first: the class's probability "
            f"should rise sooner than in each of {RANDOM} random orders. The number of those that it is ahead of.",
            threshold=RANDOM,
            at_least=True,
            form=f"{{:.0f}} of {RANDOM}",
            counts=1,
            reference="Petsiuk, Das and Saenko, BMVC 2018, arXiv 1806.07421",
        ),
        Check(
            name="randomisation",
            label="Shuffled weights",
            sentence="The network's weights are shuffled, so that it knows nothing: the same method should then give "
            "another map. Rank correlation of the two maps' sizes over all pixels.",
            threshold=0.5,
            at_least=False,
            form="ρ = {:.2f}",
            counts=2,
            reference="Adebayo et al., NeurIPS 2018, arXiv 1810.03292",
        ),
        Check(
            name="agreement",
            label="Another method",
            sentence="Saliency's map beside that of a method with a sign, integrated gradients' beside that of one "
            "without: both should point to the same places. Rank correlation over all pixels, after a light blur. A "
            "low number is a warning; a high one says little, as unrelated maps that share only a liking for the "
            "middle of the image reach 0.6.",
            threshold=0.6,
            at_least=True,
            form="ρ = {:.2f}",
            counts=1,
            reference="Krishna et al. 2022, arXiv 2202.01602",
        ),
        Check(
            name="difference",
            label="Error bar",
            sentence="By how much an integrated-gradients map changes when its steps are halved; its true error is "
            "about half of that.",
            threshold=0.2,
            at_least=False,
            form="{:.0%}",
            counts=1,
            reference="Level difference, core/attribution/integrated_gradients.py",
        ),
        Check(
            name="gap",
            label="Completeness gap",
            sentence="By how much the map's sum misses the change of the score that it should add up to. A small gap "
            "alone says little.",
            threshold=0.2,
            at_least=False,
            form="{:.0%}",
            counts=1,
            reference="Sundararajan, Taly and Yan, ICML 2017, arXiv 1703.01365",
        ),
    )
}
"""The tests in the order they are told. `badge`, the tooltips and the README have their thresholds from here."""

FAULTS = 2
"""From so many faults on, a map is not to be trusted."""
LEVELS: dict[Level, str] = {
    "passes": "✓ passes its checks",
    "partly": "~ some checks fail",
    "fails": "✗ not to be trusted",
    "flat": "no signal",
}
"""What `badge` says."""


@dataclass(frozen=True)
class Trust:
    """What the tests of one map found. All NaN where the map is the same everywhere."""

    deletion: np.ndarray
    """(2 + R, K + 1): the target's probability while pixels are removed, 0, 1/K … 1 of them; in the order of the map,
    of the same map blurred, and in R random orders."""
    insertion: np.ndarray
    """The same while pixels are added to the baseline."""
    randomisation: np.ndarray
    """(S,) Spearman's ρ with the map of the network whose last `SHARES` of layers are shuffled."""
    agreement: float
    """Spearman's ρ with the other method's map; NaN where there is none."""
    gap: float
    """Relative completeness gap; NaN where the method has none."""
    difference: float
    """Level difference d; NaN where it is unknown."""
    signal: bool
    """Whether the map differs anywhere."""

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Trust":
        """Return what `arrays` gave."""
        values: dict[str, Any] = {name: value.item() if value.size == 1 else value for name, value in arrays.items()}
        return cls(**values)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all of it as named arrays."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    def value(self, check: str) -> float:
        """Return the number that a check of `CHECKS` is about; NaN where it is undefined."""
        if check in ("deletion", "insertion"):
            of_map, _, *random = areas(getattr(self, check))
            if not np.ptp([of_map, *random]) > 0:  # nothing that is removed changes the answer, or there is no map
                return float("nan")
            return float(np.sum(np.less(random, of_map) if check == "insertion" else np.greater(random, of_map)))
        return float(self.randomisation[-1]) if check == "randomisation" else float(getattr(self, check))

    def applies(self, check: str) -> bool:
        """Return whether a check has a number here that can count: methods without a path are exact, for one."""
        value = self.value(check)
        return bool(np.isfinite(value)) and not (check == "difference" and value == 0)


def areas(curves: np.ndarray) -> np.ndarray:
    """Return the areas (M,) under curves (M, K + 1) over [0, 1], by the trapezoid rule."""
    inner: np.ndarray = (curves[:, :1] + curves[:, -1:]).sum(axis=1) / 2 + curves[:, 1:-1].sum(axis=1)
    return inner / (curves.shape[1] - 1)


def badge(trust: Trust) -> tuple[Level, str]:
    """Judge a map: how far it may be trusted, and why, in one sentence.

    Every failed check counts its faults; one makes "partly", `FAULTS` and more make "fails". What is undefined counts
    neither way.
    """
    if not trust.signal:
        return "flat", "The map is the same everywhere: there is nothing to trust."
    known = [check for check in CHECKS.values() if trust.applies(check.name)]
    failed = [check for check in known if not check.passed(trust.value(check.name))]
    if not known:
        return "partly", "No check could be made."
    if not failed:
        return "passes", f"It passes all of: {', '.join(check.label.lower() for check in known)}."
    why = [f"{c.label.lower()} ({c.written(trust.value(c.name))}; {c.rule} is asked)" for c in failed]
    faults = sum(check.counts for check in failed)
    return "fails" if faults >= FAULTS else "partly", f"It fails {', '.join(why)}."
