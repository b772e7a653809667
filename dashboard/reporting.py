"""The report of a study, made on a click."""

import streamlit as st

from core.errors import UserError
from core.study import Study
from dashboard import loaded

MADE = "report made"
"""Session state: of which study, as it was then, and the file."""


def offer(study: Study) -> None:
    """Draw the button that writes a study up, its progress, and then the file to download."""
    of = (str(study.folder), loaded.stamp(study.folder))
    if st.button("Write the report", key="report", help="One HTML file with everything, made to print."):
        from core.report import report
        from core.run.steady import steady

        bar = st.progress(0.0, "Reading the study")
        try:
            with steady(study.folder):
                made = report(
                    study, lambda done, total, what: bar.progress(done / total, f"Figure {done} of {total}: {what}")
                )
        except UserError as error:
            bar.empty()
            st.error(str(error))
            return
        bar.empty()
        st.session_state[MADE] = (of, made.html)
    of_what, html = st.session_state.get(MADE, (None, ""))
    if of_what == of:
        name = f"{study.called}-report.html"
        st.download_button(
            f"Download the report ({len(html) / 1e6:.1f} MB)", html, name, "text/html", on_click="ignore"
        )
