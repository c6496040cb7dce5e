"""What a report says, without a notation: the same words and numbers for every rendering."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from modelyard.contract.report import Outcome


class Tone(StrEnum):
    """How something came out. Never told by colour alone: the words say it too."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


class Kind(StrEnum):
    """What a cell holds: prose, a number to align, or a name to copy."""

    TEXT = "text"
    NUMBER = "number"
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell. ``note``: more words on it, smaller; ``bar``: a share of 0 to 1 that is drawn beside the number."""

    text: str
    note: str = ""
    kind: Kind = Kind.TEXT
    tone: Tone | None = None
    strong: bool = False
    bar: float | None = None


Row: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows below their columns' names. Without names, the first cell of a row names it."""

    caption: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return what each column holds, by its first cell."""
        return tuple(cell.kind for cell in self.rows[0]) if self.rows else (Kind.TEXT,) * len(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture: SVG of our own making, in which every string is escaped. A table beside it has the numbers."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the document. ``anchor`` is unique in it, ``words`` are paragraphs before the blocks."""

    anchor: str
    title: str
    words: tuple[str, ...] = ()
    blocks: tuple[Table | Plot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number to see first. ``note`` says how sure it is, or of what."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A report. ``warnings`` are what a reader must not miss."""

    title: str
    subtitle: str
    verdict: str
    verdict_tone: Tone
    verdict_words: str
    warnings: tuple[str, ...]
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    footer: str


TONES = {Outcome.PASS: Tone.GOOD, Outcome.MISS: Tone.BAD, Outcome.INCONCLUSIVE: Tone.UNSURE}


def text(words: str) -> Cell:
    """Return a cell of prose."""
    return Cell(text=words)


def code(name: str) -> Cell:
    """Return a cell with a name to copy."""
    return Cell(text=name, kind=Kind.CODE)


def quantity(words: str, bar: float | None = None) -> Cell:
    """Return a cell with a number."""
    return Cell(text=words, kind=Kind.NUMBER, bar=bar)


def outcome(found: Outcome) -> Cell:
    """Return a cell with a verdict."""
    return Cell(text=str(found), tone=TONES[found])
