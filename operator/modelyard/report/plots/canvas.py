"""A picture to draw on: SVG elements by name, every string escaped by the serializer, the same bytes each time.

Colours are classes of the page's style sheet, so that a plot follows it in the dark and on paper.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, tostring

NAMESPACE = "http://www.w3.org/2000/svg"
LETTER_WIDTH = 7.2
"""Of the plots' letters, on average, in units of the picture: wide enough that words are rather too far apart."""
LINE_HEIGHT = 14.0


@dataclass(slots=True, kw_only=True)
class Canvas:
    """A picture of ``width`` by ``height`` units, x to the right and y down.

    name: unique in the page; title and description are what those are told who don't see it.
    """

    name: str
    title: str
    description: str
    width: float
    height: float
    root: Element = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the words."""
        self.root = Element("svg")
        self.root.attrib.update(
            {
                "xmlns": NAMESPACE,
                "viewBox": f"0 0 {plain(self.width)} {plain(self.height)}",
                "role": "img",
                "aria-labelledby": f"{self.name}-title {self.name}-words",
            }
        )
        SubElement(self.root, "title", {"id": f"{self.name}-title"}).text = printable(self.title)
        SubElement(self.root, "desc", {"id": f"{self.name}-words"}).text = printable(self.description)

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """Draw a line."""
        places = {"x1": plain(x1), "y1": plain(y1), "x2": plain(x2), "y2": plain(y2)}
        SubElement(self.root, "line", places | {"class": style})

    def circle(self, x: float, y: float, radius: float, style: str) -> None:
        """Draw a dot."""
        SubElement(self.root, "circle", {"cx": plain(x), "cy": plain(y), "r": plain(radius), "class": style})

    def polygon(self, points: list[tuple[float, float]], style: str) -> None:
        """Draw a closed shape."""
        places = " ".join(f"{plain(x)},{plain(y)}" for x, y in points)
        SubElement(self.root, "polygon", {"points": places, "class": style})

    def bar(self, x1: float, x2: float, y: float, thickness: float, style: str) -> None:
        """Draw a bar from x1 to x2 whose middle is at y; never thinner than a hair."""
        left, width = min(x1, x2), max(abs(x2 - x1), 1.0)
        places = {"x": plain(left), "y": plain(y - thickness / 2), "width": plain(width), "height": plain(thickness)}
        SubElement(self.root, "rect", places | {"class": style})

    def text(self, x: float, y: float, words: str, style: str = "label", anchor: str = "start") -> None:
        """Write words; y is their base line, ``anchor`` which end of them is at x."""
        places = {"x": plain(x), "y": plain(y), "text-anchor": anchor, "class": style}
        SubElement(self.root, "text", places).text = printable(words)

    def svg(self) -> str:
        """Return the picture, to stand in a page of HTML."""
        return tostring(self.root, encoding="unicode")


def plain(value: float) -> str:
    """Return a place with two decimals at most."""
    return f"{round(value, 2) + 0.0:g}"  # + 0.0: a place of -0.001 is 0, not -0


def printable(words: str) -> str:
    """Return words without the control characters that XML has no way to write."""
    return "".join(letter for letter in words if unicodedata.category(letter) != "Cc" or letter in "\t\n")


def shortened(words: str, letters: int) -> str:
    """Return words, cut with an ellipsis where there is no room for more ``letters``."""
    return words if len(words) <= letters else f"{words[: letters - 1]}…"
