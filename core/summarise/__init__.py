"""Every number that is shown, with its interval: the per-image measures of a study, gathered into summary.parquet."""

import pandas as pd

from core.associations import associations
from core.cost_measures import cost_rows
from core.study import Study
from core.summarise.exact import exact
from core.summarise.levels import normalised
from core.summarise.looking import looking
from core.summarise.measured import doses, measured, questions, spreads
from core.summarise.parts import parts
from core.summarise.row import COLUMNS, summary_row
from core.values import load_values

__all__ = ["COLUMNS", "summarise"]


def summarise(study: Study) -> pd.DataFrame:
    """Gather a study's measures into one row a number (`COLUMNS`).

    Where a study has several seeds an interval over them is Student's t; with one seed it is a bootstrap over images,
    stratified by class, and speaks of these very networks only. The teacher's own cell is in no estimate of alignment.
    """
    every = load_values(study)
    found = {keys: values.at(0.0) for keys, values in every.items()}
    rows = [row for station in (measured, doses, questions, normalised, spreads) for row in station(study, found)]
    rows += [summary_row(*row) for row in associations(study, found)]
    rows += looking(study, every)
    rows += parts(study)
    rows += exact(study)
    table = pd.concat([pd.DataFrame(rows, columns=COLUMNS), cost_rows(study.costs())], ignore_index=True)
    text = ["kind", "cell", "architecture", "seed", "method", "measure", "importance", "outside", "subset", "control"]
    table[text] = table[text].fillna("").astype(str)
    table["explanation_weight"] = table["explanation_weight"].astype(float).fillna(0.0)
    return table.astype({"alpha": float, "n": int, "skipped": int})
