"""A report's sections as one HTML file: nothing is asked of anywhere, and nothing in it can run."""

from base64 import b64encode
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.report.pieces import NONE, SIGNS, Figure, Items, Section, Table, Text, Verdict


@dataclass(frozen=True)
class Drawn:
    """A figure, drawn."""

    svg: str
    png: bytes


def render(study: str, question: str, answer: str, sections: list[Section], drawn: dict[str, Drawn]) -> str:
    """Return the file; all text is escaped, the figures' SVG is by Vega, which escapes what it writes."""
    environment = Environment(
        loader=PackageLoader("core.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"data": _data}
    kinds = {kind.__name__.lower(): (lambda block, kind=kind: isinstance(block, kind)) for kind in PIECES}
    environment.tests |= kinds
    page = environment.get_template("page.html")
    return page.render(
        study=study,
        question=question,
        answer=answer,
        sections=sections,
        svg={name: Markup(figure.svg) for name, figure in drawn.items()},  # noqa: S704  by Vega, see above
        drawn=drawn,
        signs=SIGNS,
        none=NONE,
        places=_places(sections),
    )


PIECES = (Text, Verdict, Items, Figure, Table)


def _places(sections: list[Section]) -> dict[str, int]:
    """Count figures and tables, each from 1: "figure rank-alignment" -> 2."""
    found: dict[str, int] = {}
    for kind in (Figure, Table):
        blocks = (block for section in sections for block in section.blocks if isinstance(block, kind))
        found |= {f"{kind.__name__.lower()} {block.name}": place for place, block in enumerate(blocks, 1)}
    return found


def _data(content: str | bytes, kind: str) -> str:
    """Return a file as an address that holds it."""
    content = content.encode() if isinstance(content, str) else content
    return f"data:{kind};base64,{b64encode(content).decode()}"
