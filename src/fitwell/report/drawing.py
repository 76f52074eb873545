"""An SVG that takes its colours from the page, or stands alone as a file; and what it says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from fitwell.report.numbers import typeset
from fitwell.report.spots import Spot, spots_of

INK, LINE, MUTED, SEEN, NEW, PAPER = (f"#01010{digit}" for digit in range(1, 7))
"""Stand-ins that no chart needs as real colours; a map of colours says what they become."""

OF_PAGE = {
    INK: "currentColor",
    LINE: "var(--line)",
    MUTED: "var(--muted)",
    SEEN: "var(--seen)",
    NEW: "var(--new)",
    PAPER: "var(--paper)",
}

ON_WHITE = {
    INK: "#1d2126",
    LINE: "#dde1e4",
    MUTED: "#5b646e",
    SEEN: "#2166ac",
    NEW: "#c04a12",
    PAPER: "#ffffff",
}
"""The page's light colours, for files that are pasted into documents."""

Key = tuple[str, str]
"""A stand-in colour and what it means."""

HEAD = 52.0
"""Room for title and keys above a drawing that stands alone, in CSS pixels."""

FONT = "Helvetica, Arial, 'Noto Sans KR', 'NanumGothic', 'Malgun Gothic', sans-serif"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A chart as Vega rendered it, with stand-in colours.

    Attributes:
        raw: the SVG.
        label: the chart in words, numbers included.
        title: what is drawn.
        keys: what its colours mean. Title and keys are for where no page says them.
    """

    raw: str
    label: str
    title: str
    keys: tuple[Key, ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', self.raw)
        assert found is not None  # every drawing has one
        return float(found[1]), float(found[2])

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Places that say something when they are pointed at."""
        return spots_of(self.raw, self.size)

    def __html__(self) -> Markup:
        """Give the drawing for a page: colours of the page, spots on top."""
        width, height = self.size
        root = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {:g} {:g}" width="{:g}">')
        svg = root.format(self.label, width, height, width) + Markup(_plain(self.raw, OF_PAGE))
        over = Markup("").join(_spot(spot) for spot in self.spots)
        frame = Markup('<div class="plot" style="width:{:g}px">{}{}</div>')
        return frame.format(width, svg, over)

    def file(self) -> str:
        """Give the drawing as a document of its own, in light colours on white."""
        width, height = self.size
        # A viewer shows the title of a mark that is pointed at, as it is.
        said = re.sub(
            r'<path aria-label="[\u2063\u2064]([^"]*)"([^>]*)/>',
            r"<path\2><title>\1</title></path>",
            self.raw,
        )
        head, least = self._head()
        top = HEAD if self.keys else HEAD - 18
        width, tall = max(width, least), height + top
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="-8 0 {width + 16:g}'
            f' {tall + 8:g}" width="{width + 16:g}" height="{tall + 8:g}" font-family="{FONT}">'
            f"<title>{escape(self.label)}</title>"
            f'<rect x="-8" width="100%" height="100%" fill="#ffffff"/>{head}'
            f'<g transform="translate(0,{top:g})">{_plain(said, ON_WHITE)[: -len("</svg>")]}'
            "</g></svg>\n"
        )

    def _head(self) -> tuple[str, float]:
        """Set the title, and a dot with its meaning for each colour; give their width too."""
        ink, title = ON_WHITE[INK], self.title[:1].upper() + self.title[1:]
        start = f'<text y="20" font-size="14" font-weight="600" fill="{ink}">'
        parts, x = [f"{start}{escape(title)}</text>"], 0.0
        for colour, words in self.keys:
            parts.append(
                f'<circle cx="{x + 5:g}" cy="38" r="4.5" fill="{ON_WHITE[colour]}"/>'
                f'<text x="{x + 15:g}" y="42" font-size="12" fill="{ink}">{escape(words)}</text>'
            )
            x += 36 + _length(words)
        return "".join(parts), max(x, 1.3 * _length(title))


def _length(text: str) -> float:
    """Estimate a text's width at 12 pixels: the viewer's font is not known."""
    return sum(12.5 if ord(letter) > 0x1100 else 7.0 for letter in text)


def _plain(svg: str, colours: Mapping[str, str]) -> str:
    """Replace the colours; drop the root's tag, the font and what only scripts need."""
    for stand_in, colour in colours.items():
        svg = svg.replace(stand_in, colour)
    svg = re.sub(r' font-family="[^"]*"', "", svg[svg.index(">") + 1 :])
    svg = re.sub(r'<path class="(?:back|fore)ground"[^>]*d="(?:M0,0h0v0h0Z)?"[^>]*/>', "", svg)
    unused = r"class|pointer-events|aria-hidden|aria-label|aria-roledescription|role|version"
    return re.sub(rf' (?:{unused})="[^"]*"', "", svg)


def _spot(spot: Spot) -> Markup:
    """Lay a spot over the drawing; its words stand in one attribute and are shown by the style."""
    box = f"left:{spot.x:.1f}%;top:{spot.y:.1f}%"
    if spot.wide:
        box += f";width:{spot.wide:.1f}%;height:{spot.high:.1f}%"
    centre = spot.x + spot.wide / 2
    side = " left" if centre < 34 else " right" if centre > 66 else ""
    kind = " area" if spot.wide else ""
    # What only doubles a table is left to the pointer: too many stops help nobody.
    stop = Markup(' tabindex="0"') if spot.stop else ""
    return Markup('<i class="spot{}{}" style="{}" role="img" aria-label="{}"{}></i>').format(
        kind, side, box, typeset(spot.text), stop
    )
