"""A login before the pages, where `.streamlit/secrets.toml` has a section [auth]; elsewhere all who come are let in."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from streamlit import config

from dashboard.names import plain


def passed() -> bool:
    """Say whether the visitor may see the pages."""
    return bool(st.user.to_dict().get("is_logged_in", not _wanted()))


def ask() -> None:
    """Draw what a visitor sees who has not passed: what lets them in, or why nothing does."""
    st.title("Where models look", anchor=False)
    if _unreadable():
        st.error("Nobody can log in: the server's secrets.toml cannot be read. Its log says why.")
    elif not all(map(find_spec, ("authlib", "httpx"))):
        st.error("Nobody can log in: that takes packages which are not installed on the server (Authlib and httpx).")
    else:
        st.markdown("These pages are for those who log in.")
        about = st.secrets["auth"]
        for name in [name for name, value in about.items() if isinstance(value, Mapping)] or [None]:
            st.button(
                f"Log in with {plain(name)}" if name else "Log in", key=f"log in {name}", on_click=st.login, args=[name]
            )


def out() -> None:
    """Offer to log out, to whom has logged in."""
    user = st.user.to_dict()
    if user.get("is_logged_in"):
        st.caption(plain(f"Logged in as {user.get('name') or user.get('email') or 'a visitor'}"))
        st.button("Log out", on_click=st.logout)


def _wanted() -> bool:
    """Whether a login was meant; Streamlit takes an empty section, and a file that it cannot read, for none."""
    return _unreadable() or (st.secrets.load_if_toml_exists() and "auth" in st.secrets)


def _unreadable() -> bool:
    there = any(Path(each).exists() for each in config.get_option("secrets.files"))
    return there and not st.secrets.load_if_toml_exists()
