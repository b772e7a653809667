"""Hints of first-time visitors, which go away."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.hints import COOKIE, HINTS
from tests.pages.test_pages import open_page

pytestmark = pytest.mark.usefixtures("shared")


def hints(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown if element.value in HINTS.values()]


@pytest.mark.parametrize(("page", "place"), [("home", ""), ("explanations", "explanations")])
def test_a_hint_goes_away_when_told_and_stays_away(page: str, place: str):
    app = open_page(page)
    assert hints(app) == [HINTS[place]]
    app.button(key=f"hint {place}").click().run()
    assert hints(app) == []
    app.switch_page("../pages/rank.py").run()
    assert hints(app) == [], "pages of one chart need none"
    if page != "home":
        assert hints(app.switch_page(f"../pages/{page}.py").run()) == []


def test_a_later_visit_knows_what_was_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {COOKIE: "home.nonsense"})
    assert hints(open_page("home")) == []
    assert hints(open_page("explanations")) == [HINTS["explanations"]]


def test_where_there_is_no_study_there_is_nothing_to_look_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    assert hints(open_page("home")) == []
