"""The dashboard while somebody else computes, for `streamlit run`: until the pipe at $HELD is written to."""

import os
import runpy
import sys
import threading
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from core.turns import Place  # noqa: E402
from dashboard.live_job import TURNS  # noqa: E402


@st.cache_resource(show_spinner=False)
def hold() -> None:
    """Take the first place in the line, once a process."""
    begun = threading.Event()

    def work() -> None:
        with Place(TURNS):
            begun.set()
            Path(os.environ["HELD"]).read_bytes()

    threading.Thread(target=work, daemon=True).start()
    begun.wait()


hold()
runpy.run_path(str(ROOT / "dashboard" / "Home.py"), run_name="__main__")
