"""Where a drawing says something: read from the descriptions that its marks carry."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

STOP, HOVER = "\u2063", "\u2064"
"""Invisible signs before the words of a mark: reached by the tab key too, or by pointing alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A place of a drawing in percent of its size: a centre, or a corner and a size."""

    x: float
    y: float
    wide: float = 0.0
    high: float = 0.0
    text: str
    stop: bool


def pointed(text: str, *, stop: bool = True) -> str:
    """Give words for the field ``tip`` of a mark's data.

    Args:
        text: what the mark says.
        stop: whether the tab key stops there; a chart should have few such places.
    """
    return f"{STOP if stop else HOVER}{text}"


def spots_of(svg: str, size: tuple[float, float]) -> tuple[Spot, ...]:
    """Find the marks with words in an SVG; none where it is not well-formed."""
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:  # names from the data may hold what XML does not allow
        return ()
    return tuple(_spot(element, x, y, size) for element, x, y in _marks(root, 0.0, 0.0))


def _marks(element: Element, x: float, y: float) -> Iterator[tuple[Element, float, float]]:
    """Walk down and add up where each group stands."""
    moved = re.match(r"translate\(([-\d.e]+),([-\d.e]+)\)", element.get("transform", ""))
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    if element.get("aria-label", "").startswith((STOP, HOVER)):
        yield element, x, y
    for child in element:
        yield from _marks(child, x, y)


def _spot(element: Element, x: float, y: float, size: tuple[float, float]) -> Spot:
    words = element.get("aria-label", "")
    box = re.match(r"M([-\d.e]+),([-\d.e]+)h([-\d.e]+)v([-\d.e]+)h", element.get("d", ""))
    wide = high = 0.0
    if box:
        x, y = x + float(box[1]), y + float(box[2])
        wide, high = float(box[3]), float(box[4])
        x, y = min(x, x + wide), min(y, y + high)
    across, down = 100 / size[0], 100 / size[1]
    return Spot(
        x=x * across,
        y=y * down,
        wide=abs(wide) * across,
        high=abs(high) * down,
        text=words[1:],
        stop=words.startswith(STOP),
    )
