"""What every chart page is built from: a title, one sentence, definitions, a table on demand."""

import pandas as pd
import streamlit as st

from core import sentences
from core.figures import encoding, tables
from core.findings import Analysis, Finding
from core.measures import MEASURES
from core.study import Study
from dashboard import loaded, words
from dashboard.names import plain
from dashboard.state import Choices, choices
from dashboard.widgets import choose


def begin(title: str, method: bool = True, finished: bool = True, looking: bool = True) -> Choices:
    """Begin a page: its title, and below it which study is shown, which a folded sidebar does not tell.

    Parameters
    ----------
    title : str
    method : bool
        Whether the method of explaining plays a part on the page.
    finished : bool
        Whether the page can only show a study that is finished.
    looking : bool
        Whether the λ chosen plays a part on the page.

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
    about = [f"Study: {plain(chosen.study.called)}", *([words.method_label(chosen.method)] if method else [])]
    about += [f"distilled networks at λ = {chosen.weight:g}"] if chosen.weight and looking else []
    st.caption(" · ".join(about))
    if finished:
        loaded.summary(chosen.study)
    return chosen


def opening(question: str, choices: Choices, page: str, analysis: Analysis, instead: str = "", marks: str = "") -> None:
    """Draw the one sentence that answers a page's question, and what it rests on.

    Parameters
    ----------
    question : str
        Small print below the sentence.
    choices : Choices
        Whose study's finding is told.
    page : str
        Address of the page, to find its finding.
    analysis : Analysis
        How it is judged; any but the primary one is marked.
    instead : str
        The sentence where the study has no such finding, or `marks` says that something else is shown.
    marks : str
        What is shown in place of what the finding is about, "" where it is that.
    """
    finding = loaded.claim(choices.study, page, analysis)
    if choices.weight:
        marks = ", ".join(filter(None, (marks, f"students trained for looking, λ = {choices.weight:g}")))
    why = ", ".join(each for each in (exploratory(analysis), marks) if each)
    if finding is None or marks:
        if why:
            st.badge(f"⚑ Exploratory: {why}", color="orange", help=words.EXPLORATORY_HELP)
        st.markdown(f"## {instead}")
        st.caption(question)
        return
    verdict(finding)
    if why:
        st.badge(f"⚑ Exploratory: {why}", color="orange", help=words.EXPLORATORY_HELP)
    st.markdown(f"## {finding.sentence}")
    st.caption(question)
    if finding.controls:
        st.caption(finding.controls)
    each(finding)


def unlooked(choices: Choices, what: str) -> None:
    """Say of what does not follow the λ chosen that it is at λ = 0, where another is chosen."""
    if choices.weight:
        st.caption(f"{what} {words.UNLOOKED}.")


def verdict(finding: Finding) -> None:
    """Draw a finding's claim and how the study judges it, in words and a sign."""
    text, colour = words.VERDICTS[finding.verdict]
    st.markdown(f":{colour}-badge[{text}] {finding.title}")


def each(finding: Finding) -> None:
    """Offer what a finding says of each network by itself, and what else there is to know of it."""
    if not finding.each and not finding.detail:
        return
    with st.expander("Each network by itself"):
        for judged in finding.each:
            text, colour = words.VERDICTS[judged.verdict]
            st.markdown(f":{colour}-badge[{text}] {judged.sentence}")
        if finding.each:
            st.caption(words.BONFERRONI)
        if finding.detail:
            st.markdown(finding.detail)


def exploratory(analysis: Analysis) -> str:
    """Return how an analysis differs from the one that findings are judged by, "" where it does not."""
    why = []
    if analysis.method != "integrated_gradients":
        why.append(words.method_within(analysis.method))
    if analysis.importance != "density":
        why.append("importance in total")
    if analysis.outside != "parts":
        why.append("focus in the whole image")
    if analysis.subset != "all":
        why.append("the images that both get right")
    return ", ".join(why)


def levels(table: pd.DataFrame, measure: str, chance: float | None = None) -> str:
    """Say how high a measure is, over the students shown (`core.sentences.levels`)."""
    return sentences.levels(table, measure, chance, "Choose more networks and α on the left to compare.")


def first_seed(choices: Choices, what: str) -> str:
    """Say which networks something is of, where there are several of a kind: "… the networks of the first seed"."""
    seeds = choices.config.students.seeds
    return f" {what} the networks of the first of {len(seeds)} seeds ({seeds[0]})." if len(seeds) > 1 else ""


def small_print(choices: Choices, about: str = "", maps: bool = True) -> None:
    """Say what the intervals stand for, what else there is to know of a chart, and how exact the maps are behind it."""
    exact = loaded.shortfall(choices.study, choices.method) if maps else ""
    st.caption(" ".join(filter(None, (words.about_intervals(choices.study), about, exact))))


def teacher_note(choices: Choices) -> str:
    """Say why one network has no mark where students are compared with the teacher."""
    return sentences.teacher_note(choices.config)


def beside(choices: Choices, subset: str) -> str:
    """Say what there is to know of what the students are compared with, on images that a switch leaves."""
    note = teacher_note(choices)
    return f"{note} {words.OF_ALL}".strip() if subset != "all" else note


def table(rows: pd.DataFrame, measure: str) -> None:
    """Offer the numbers of a chart as a table; as a file they are below the chart itself."""
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


def subset_switch(page: str) -> str:
    """Let the person choose the images: all, or those that teacher and student both get right."""
    names = list(words.SUBSETS)
    return choose(f"{page}_images", "Images", names, "all", words.SUBSETS.__getitem__, words.SUBSETS_HELP)


def names(choices: Choices) -> list[str]:
    """Return the architectures shown as people write them, then the imported networks."""
    return choices.of(tables.names)


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
