"""What every chart page is built from: a title, one sentence, definitions, a table on demand."""

import math
from typing import Any

import pandas as pd
import streamlit as st

from core.figures import encoding
from core.findings import Finding, nice_name
from core.measures import MEASURES
from core.study import Study
from dashboard import loaded, numbers, words
from dashboard.names import plain
from dashboard.state import Choices, choices
from dashboard.widgets import choose


def begin(title: str, method: bool = True, finished: bool = True) -> Choices:
    """Begin a page: its title, and below it which study is shown, which a folded sidebar does not tell.

    Parameters
    ----------
    title : str
    method : bool
        Whether the method of explaining plays a part on the page.
    finished : bool
        Whether the page can only show a study that is finished.

    Returns
    -------
    Choices

    Raises
    ------
    UserError
        There is no study, or none that can be shown; nothing but the title is drawn then.
    """
    st.title(title, anchor=False)
    chosen = choices()
    about = f"Study: {plain(chosen.study.name)}"
    st.caption(f"{about} · {words.method_label(chosen.method)}" if method else about)
    if finished:
        loaded.summary(chosen.study)
    return chosen


def opening(question: str, choices: Choices, page: str, instead: str = "", marks: str = "") -> None:
    """Draw the one sentence that answers a page's question, and what it rests on.

    Parameters
    ----------
    question : str
        Small print below the sentence.
    choices : Choices
        Whose study's finding is told.
    page : str
        Address of the page, to find its finding.
    instead : str
        The sentence where the study has no such finding, or `marks` says that another view is shown.
    marks : str
        From `exploratory`.
    """
    finding = numbers.claim(choices.study, page)
    if finding is not None and not marks:
        verdict(finding)
    if marks:
        st.badge(f"⚑ Exploratory: {marks}", color="orange", help=words.EXPLORATORY_HELP)
    st.markdown(f"#### {instead if marks or finding is None else finding.sentence}")
    st.caption(question)
    if finding is not None and finding.detail and not marks:
        st.caption(finding.detail)


def verdict(finding: Finding) -> None:
    """Draw a finding's claim and how the study judges it, in words and a sign."""
    text, colour = words.VERDICTS[finding.verdict]
    st.markdown(f":{colour}-badge[{text}] {finding.title}")


def exploratory(choices: Choices, importance: str = "density", outside: str = "parts", measure: str = "") -> str:
    """Return how a view differs from the one that findings are judged by, "" where it does not."""
    why = []
    if choices.method != "integrated_gradients":
        why.append(words.method_within(choices.method))
    if importance != "density":
        why.append("importance in total")
    if outside != "parts":
        why.append("focus in the whole image")
    if measure not in ("", "focus"):
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
    if (table["seeds"] == 1).all():  # then the teacher stands among the students where accuracy is shown
        teacher = table[table["role"] == "teacher"]
        pupils = pupils[~(pupils["network"].isin(teacher["network"]) & pupils["alpha"].isin(teacher["alpha"]))]
    wide = pupils.pivot_table(index="network", columns="alpha", values="estimate").dropna()
    if wide.empty:
        return "Choose more networks and α on the left to compare."
    high, low = wide[max(wide.columns)].mean(), wide[min(wide.columns)].mean()
    about = f"{MEASURES[measure].label.lower()} of {high:{form}} {_learnt(max(wide.columns))}"
    if len(wide.columns) > 1:
        about += f" and {low:{form}} {_learnt(min(wide.columns))}"
    beside = "" if chance is None or math.isnan(chance) else f"; by chance it would be {chance:{form}}"
    return f"On average the students shown reach {words.article(about)} {about}{beside}."


def _learnt(alpha: Any) -> str:
    return "when they learn alone (α = 1.0)" if alpha == 1 else f"when distilled at α = {alpha}"


def definition(*measures: str, more: str = "") -> None:
    """Say below a chart what its number is."""
    for measure in measures:
        about = MEASURES[measure]
        st.markdown(f"**{about.label}.** {about.sentence} {more}".rstrip())


def small_print(choices: Choices, about: str = "", maps: bool = True) -> None:
    """Say what the intervals stand for, what else there is to know of a chart, and how exact the maps are behind it."""
    exact = loaded.shortfall(choices.study, choices.method) if maps else ""
    st.caption(" ".join(filter(None, (words.about_intervals(choices.study), about, exact))))


def teacher_note(choices: Choices) -> str:
    """Say why one network has no mark where students are compared with the teacher."""
    name = nice_name(choices.config.teacher.architecture)
    if len(choices.config.students.seeds) > 1:
        return f"{name} at α = 1.0 is the teacher's own network trained anew: what repeating the training would give."
    return f"{name} at α = 1.0 is the teacher itself, so it has no mark."


def table(rows: pd.DataFrame, measure: str, name: str) -> None:
    """Offer the numbers of a chart as a table and as CSV, named after the study."""
    with st.expander("The numbers"):
        share = "%" in encoding.FORMATS.get(measure, "")
        values = ["estimate", "low", "high"]
        shown = rows.drop(columns="seeds").assign(alpha=rows["alpha"].map(encoding.label))
        shown[values] = rows[values] * (100 if share else 1)
        names = {"alpha": "α", "estimate": MEASURES[measure].label, "n": "counted", "skipped": "left out"}
        form = st.column_config.NumberColumn(format="%.1f %%" if share else "%.3f")
        st.dataframe(
            shown.rename(columns=names),
            hide_index=True,
            height="content",
            column_config={names.get(column, column): form for column in values},
            alt=f"{MEASURES[measure].label} of every network",
        )
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


def provenance(study: Study) -> None:
    """Show how a study was made: its settings, machine and versions."""
    if study.config.description:
        st.markdown(plain(study.config.description))
    made = {key: value for key, value in study.provenance.items() if not isinstance(value, dict)}
    made |= {f"{name} version": value for name, value in study.provenance.get("versions", {}).items()}
    rows = [{"what": key.replace("_", " "), "value": str(value)} for key, value in made.items()]
    table = pd.DataFrame(rows, columns=["what", "value"])
    st.dataframe(table, hide_index=True, height="content", alt="How this study was made")
    st.caption("Every setting:")
    st.json(study.config.model_dump(), expanded=False)
