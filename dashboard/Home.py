"""The entry: `streamlit run dashboard/Home.py`. Frame and menu; every page is a file in pages/."""

import sys
from pathlib import Path
from typing import Literal

import streamlit as st

# Streamlit puts only this file's folder on the path.
ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from dashboard.uploads import keep_in_memory  # noqa: E402

keep_in_memory()  # before the rest is loaded, which takes seconds

from core.errors import UserError  # noqa: E402
from dashboard import login  # noqa: E402
from dashboard.hints import hint, read  # noqa: E402
from dashboard.names import plain  # noqa: E402
from dashboard.navigation import WIDE, sections  # noqa: E402
from dashboard.sidebar import sidebar  # noqa: E402
from dashboard.steps import steps  # noqa: E402
from dashboard.warm import warm  # noqa: E402
from dashboard.widgets import missing  # noqa: E402

welcome = login.passed()
page = st.navigation(sections(), position="sidebar" if welcome else "hidden")
# Once a run: of two calls the first can win in the browser.
layout: Literal["wide", "centered"] = "wide" if page.url_path in WIDE else "centered"
st.set_page_config(page_icon=ROOT / "dashboard" / "icon.png", layout=layout)
if not welcome:
    login.ask()
    st.stop()
sidebar(page.url_path)
with st.sidebar:
    steps(read())
    login.out()
warm()
in_vain = st.container()
hint(page.url_path)
try:
    page.run()
except UserError as error:
    st.error(plain(str(error)))
finally:  # only now every switch has been drawn
    for sentence in missing():
        in_vain.warning(plain(sentence))
