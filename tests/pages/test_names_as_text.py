"""Names of studies, classes, parts and files made of markup and script: every page shows them as they are."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

import core.data
from tests.networks import add_networks
from tests.pages.test_explanations import until
from tests.pages.test_pages import PAGES, errors, open_page, shown, texts
from tests.pages.test_your_image import answered, drop, photo
from tests.tiny import serve, tiny_study

MARKS = (
    "[x](javascript:alert)",
    "**b**",
    ":red[c]",
    "$q$",
    "<img src=x onerror=alert(1)>",
    "`d`",
    "~~e~~",
    ":material/home:",
)
MARKUP = " ".join(MARKS)
STUDY = MARKUP.replace("/", "")  # which is a folder's name
AS_IT_IS = {
    *("Selectbox.options", "Selectbox.raw_value", "ImageList.imgs.alt", "BidiComponent.json"),
    *("VegaLiteChart.spec", "VegaLiteChart.alt", "PageLink.query_string"),
}
"""Where Streamlit looks for no markup; the viewer's own tests are about its names, and Vega escapes what it writes."""


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache with one study, in which nothing has an honest name."""
    cache = tmp_path_factory.mktemp("marked")
    honest = core.data.open_dataset

    def dataset(config: Any) -> Any:
        found = honest(config)
        classes, parts = (tuple(f"{name} {MARKUP}" for name in names) for names in (found.classes, found.parts))
        table = found.table.assign(source=found.table["source"] + f" {MARKUP}.jpg")
        return replace(found, classes=classes, parts=parts, knows=MARKUP, table=table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.data, "open_dataset", dataset)
        serve(cache, patch)
        add_networks(tiny_study(cache / "studies" / STUDY))
        yield


def strings(message: Message, path: str) -> Iterator[tuple[str, str]]:
    """Every text of a message to the browser, and the name of its field."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if isinstance(one, Message):
                yield from strings(one, f"{path}.{field.name}")
            elif isinstance(one, str):
                yield f"{path}.{field.name}", one


def messages(block: Any) -> Iterator[Message]:
    for child in block.children.values():
        if getattr(child, "proto", None) is not None:
            yield child.proto
        if hasattr(child, "children"):
            yield from messages(child)


def read_as_markup(app: AppTest) -> list[tuple[str, str]]:
    """The texts in which a mark of the names would be obeyed."""
    found = [each for message in messages(app._tree) for each in strings(message, type(message).__name__)]
    read = [(path, text) for path, text in found if path not in AS_IT_IS and not path.endswith(".id")]
    # Where an own link leads is escaped as addresses are.
    read = [(path, re.sub(r"\]\([\w/]*\?[^)\s]*\)", "]", text)) for path, text in read]
    return [(path, text) for path, text in read if any(mark in text.replace(f"\\{mark[0]}", "") for mark in MARKS)]


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("page", PAGES)
def test_names_are_shown_as_they_are(page: str) -> None:
    app = open_page(page)
    assert errors(app) == []
    assert any(STUDY in shown(text) for text in [*texts(app), *(caption.value for caption in app.caption)])
    assert read_as_markup(app) == []


@pytest.mark.usefixtures("marked")
def test_an_answer_about_a_photo_is_shown_as_it_is() -> None:
    app = drop(open_page("your_image"), photo())
    until(app, lambda: answered(app))
    assert errors(app) == []
    assert any(MARKUP in shown(text) for text in texts(app) if text.startswith("## "))
    assert read_as_markup(app) == []
