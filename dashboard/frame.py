"""What every chart page is built from: a title, one sentence, definitions, a table on demand."""

import pandas as pd
import streamlit as st

from core.findings import Finding, nice_name
from core.measures import MEASURES
from dashboard import encoding, loaded, numbers, words
from dashboard.state import Choices
from dashboard.widgets import choose


def opening(title: str, question: str, choices: Choices, page: str, instead: str = "", marks: str = "") -> None:
    """Begin a page: its title, and the one sentence that answers its question.

    Parameters
    ----------
    title, question : str
        The question is small print below the sentence.
    choices : Choices
        Whose study's finding is told.
    page : str
        Address of the page, to find its finding.
    instead : str
        The sentence where the study has no such finding, or `marks` says that another view is shown.
    marks : str
        From `exploratory`.
    """
    st.title(title, anchor=False)
    finding = numbers.claim(choices.study, page)
    if finding is not None and not marks:
        verdict(finding)
    if marks:
        st.badge(f"⚑ Exploratory: {marks}", color="orange", help=words.EXPLORATORY_HELP)
    sentence = instead if marks or finding is None else finding.sentence
    st.markdown(f"#### {sentence}")
    st.caption(question)


def verdict(finding: Finding) -> None:
    """Draw a finding's claim and how the study judges it, in words and a sign."""
    text, colour = words.VERDICTS[finding.verdict]
    st.badge(f"{text}: {finding.title}", color=colour)


def exploratory(choices: Choices, importance: str = "density", outside: str = "parts", measure: str = "") -> str:
    """Return how a view differs from the one that findings are judged by, "" where it does not."""
    why = []
    if choices.method != "integrated_gradients":
        why.append(words.method_label(choices.method).lower())
    if importance != "density":
        why.append("importance in total")
    if outside != "parts":
        why.append("focus in the whole image")
    if measure:
        why.append(MEASURES[measure].label.lower())
    return ", ".join(why)


def levels(table: pd.DataFrame, measure: str, chance: float | None = None) -> str:
    """Say in one sentence how high a measure is without distillation and with the strongest, over the students shown.

    Parameters
    ----------
    table : DataFrame
        `numbers.estimates`.
    measure : str
        A key of `MEASURES`.
    chance : float
        What it would be by chance.
    """
    form = encoding.FORMATS.get(measure, ".2f")
    pupils = table[(table["role"] == "student") & table["estimate"].notna()]
    wide = pupils.pivot_table(index="network", columns="alpha", values="estimate").dropna()
    if wide.empty:
        return "Choose more networks and α on the left to compare."
    parts = [f"{wide[alpha].mean():{form}} {encoding.trained(alpha)}" for alpha in sorted(wide.columns, reverse=True)]
    parts = [parts[0], parts[-1]] if len(parts) > 1 else parts
    beside = f"; by chance it would be {chance:{form}}" if chance is not None else ""
    return f"{MEASURES[measure].label} of the students shown is on average {', and '.join(parts)}{beside}."


def definition(*measures: str, more: str = "") -> None:
    """Say below a chart what its number is."""
    for measure in measures:
        about = MEASURES[measure]
        st.markdown(f"**{about.label}.** {about.sentence} {more}".rstrip())


def small_print(choices: Choices) -> None:
    """Say what the intervals stand for."""
    st.caption(words.about_intervals(choices.study))


def table(rows: pd.DataFrame, measure: str, name: str) -> None:
    """Offer the numbers of a chart as a table and as CSV, named after the study."""
    with st.expander("The numbers"):
        shown = rows.drop(columns="seeds").rename(
            columns={"alpha": "α", "estimate": MEASURES[measure].label, "n": "counted", "skipped": "left out"}
        )
        form = "percent" if "%" in encoding.FORMATS.get(measure, "") else "%.3f"
        columns = {
            column: st.column_config.NumberColumn(format=form) for column in (MEASURES[measure].label, "low", "high")
        }
        st.dataframe(shown, hide_index=True, column_config=columns, alt=f"{MEASURES[measure].label} of every network")
        st.caption(
            "low, high: the 95 % interval. counted: trainings, or images where there is one training. "
            "left out: images on which the number is undefined."
        )
        st.download_button("Download as CSV", rows.to_csv(index=False), f"{name}.csv", "text/csv", on_click="ignore")


def importance_switch(page: str) -> str:
    """Let the person choose what the importance of a part is."""
    return choose(
        f"{page}_importance",
        "Importance of a part",
        list(words.IMPORTANCE),
        "density",
        words.importance_label,
        words.IMPORTANCE_HELP,
    )


def names(choices: Choices) -> list[str]:
    """Return the architectures shown as people write them, then the imported networks."""
    return [
        *(nice_name(architecture) for architecture in choices.architectures),
        *(cell.name for cell in loaded.imported(choices.study)),
    ]


def alphas(choices: Choices) -> list[float]:
    """Return every α of the study from 1.0 down, so that each keeps its colour whatever is chosen."""
    return sorted(choices.config.students.alphas, reverse=True)
