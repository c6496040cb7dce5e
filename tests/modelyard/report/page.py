"""A page of HTML taken apart: its elements, the words in them, and what it would fetch."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "link"}
FETCHES = {"src", "srcset", "href", "action", "data", "poster", "background", "xlink:href", "formaction", "ping"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """An element's start: its name, and its attributes without those that hold numbers of the report."""

    name: str
    attributes: dict[str, str | None]


@dataclass
class Page(HTMLParser):
    """What a browser would make of it, as far as a parser without one can tell."""

    tags: list[Tag] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin."""
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(Tag(name=tag, attributes=dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element without content."""
        self.tags.append(Tag(name=tag, attributes=dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Hold an end against its start."""
        assert self.open, f"</{tag}> ends nothing"
        assert self.open[-1] == tag, f"</{tag}> ends <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        """Note words."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """Return all words, blanks as one."""
        return " ".join(" ".join(self.texts).split())

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the elements with the names of their attributes."""
        return [(tag.name, tuple(sorted(tag.attributes))) for tag in self.tags]

    @property
    def references(self) -> list[str]:
        """Return what the page leads to or would fetch."""
        return [str(value) for tag in self.tags for name, value in tag.attributes.items() if name in FETCHES]

    @property
    def handlers(self) -> list[str]:
        """Return the attributes that would run something."""
        return [name for tag in self.tags for name in tag.attributes if name.startswith("on")]


def page_of(html: str) -> Page:
    """Take a page apart; every element that begins must end."""
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page
