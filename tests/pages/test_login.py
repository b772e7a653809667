"""Where the server's secrets ask for a login, nobody sees a page without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from tests.pages.test_pages import HOME, errors, texts

AUTH = '[auth]\nredirect_uri = "http://localhost:8501/oauth2callback"\ncookie_secret = "x"\n'
PROVIDER = 'client_id = "x"\nclient_secret = "x"\nserver_metadata_url = "http://localhost/x"\n'


@pytest.fixture
def secrets(cache: Path) -> Iterator[Path]:
    """The file of secrets, which is not there yet."""
    path, before = cache / "secrets.toml", config.get_option("secrets.files")
    config.set_option("secrets.files", [str(path)])
    st.secrets._reset()
    yield path
    config.set_option("secrets.files", before)
    st.secrets._reset()


def opened(**user: object) -> AppTest:
    app = AppTest.from_file(HOME, default_timeout=60)
    app.user = user
    return app.run()


def labels(app: AppTest) -> list[str]:
    return [each.label for each in app.button]


def test_without_a_word_of_it_there_is_no_login(secrets: Path) -> None:
    assert not {"Log in", "Log out"} & set(labels(opened()))
    secrets.write_text('[other]\nkey = "value"\n')
    app = opened()
    assert errors(app) == []
    assert len(app.sidebar.selectbox) > 0
    assert not {"Log in", "Log out"} & set(labels(app))


@pytest.mark.parametrize(
    ("text", "buttons"),
    [
        (AUTH + PROVIDER, ["Log in"]),
        (AUTH + f"[auth.one]\n{PROVIDER}[auth.two]\n{PROVIDER}", ["Log in with one", "Log in with two"]),
        ("[auth]\n", ["Log in"]),  # which Streamlit takes for none
    ],
)
def test_nobody_sees_a_page_before_the_login(secrets: Path, text: str, buttons: list[str]) -> None:
    secrets.write_text(text)
    app = opened()
    assert errors(app) == []
    assert labels(app) == buttons
    assert len(app.sidebar.selectbox) == 0
    assert texts(app) == ["These pages are for those who log in."]
    app.switch_page("../pages/studies.py").run()
    assert labels(app) == buttons
    assert texts(app) == ["These pages are for those who log in."]


def test_who_has_logged_in_sees_all_and_may_log_out(secrets: Path) -> None:
    secrets.write_text(AUTH + PROVIDER)
    app = opened(is_logged_in=True, name="*Ann*")
    assert errors(app) == []
    assert "Log out" in labels(app)
    assert any(caption.value == r"Logged in as \*Ann\*" for caption in app.sidebar.caption)


def test_a_login_that_cannot_be_is_one_sentence_and_lets_nobody_in(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.write_text("[auth\n")
    (said,) = errors(opened())
    assert "cannot be read" in said
    secrets.write_text(AUTH + PROVIDER)
    monkeypatch.setattr("dashboard.login.find_spec", lambda name: None)
    app = opened()
    (said,) = errors(app)
    assert "Authlib" in said
    assert labels(app) == []
