"""The report as Markdown of GitHub's kind, with the numbers and tables of the page."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from fitwell.report.numbers import typeset

CHARTS = "charts"
"""The folder of the drawings, beside the report."""


def render_markdown(context: Mapping[str, Any]) -> str:
    """Give the report as Markdown.

    Args:
        context: what the page shows, with ``figures``.
    """
    text = str(_template().render(**context, charts=CHARTS))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fitwell", "report"),
        autoescape=False,  # every text from outside goes through one of the filters below
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(typeset=typeset, cell=cell, inline=inline, alt=alt, code=code)
    return environment.get_template("report.md.j2")


def inline(text: str) -> str:
    r"""Take from a text what Markdown or HTML would read as more than text.

    Brackets of intervals stay; those of a link do not make one.

    >>> print(inline("a_b *c* <b> [-0.2] [x](y)"))
    a_b \*c\* &lt;b> [−0.2] [x]\(y)
    """
    text = " ".join(typeset(text).split(" ")).replace("\r", " ").replace("\n", " ")
    text = text.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([*`~])", r"\\\1", text)
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)  # within a word it is no mark
    text = re.sub(r"^(#+|[-+>]|\d+[.)])(?= )", r"\\\1", text)
    text = re.sub(r"^(\[[^\]]*\]):", r"\1\\:", text)  # would define a link
    return text.replace("](", "]\\(").replace("][", "]\\[")


def cell(text: str) -> str:
    r"""Give a text as the cell of a table: lines stay lines, a bar ends nothing.

    >>> print(cell("69.1\n[67.1]|"))
    69.1<br>[67.1]\|
    """
    return "<br>".join(inline(line).replace("|", "\\|") for line in text.split("\n"))


def alt(text: str) -> str:
    """Give a text as the words of an image: brackets could end them."""
    return inline(text).replace("[", "\\[").replace("]", "\\]")


def code(text: str) -> str:
    """Give a command as a block; a fence in it does not end the block."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}"
