"""A report as Markdown: the same words and numbers in the tables that GitHub, GitLab and most readers know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.contract.report import BuildReport
from modelyard.report.contents import document_of
from modelyard.report.document import Cell, Kind, Section, Table

SPECIAL = re.compile(
    r"([\\`*\[\]<|~$]"  # an escape, code, emphasis, a link, HTML, a new cell, what some readers strike out or compute
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis too, but not within a word: avx512_vnni stays as it is
    r"|&(?=[#A-Za-z0-9])"  # an entity
    r"|:(?=//)"  # a link without brackets
    r"|^(?:[#>=]|[+-](?=[\s-]|$)|\d+(?=[.)](?:\s|$))))"  # a heading, a quotation or a list, where it begins a line
)
BACKTICKS = re.compile("`+")


def markdown_of(report: BuildReport) -> str:
    """Return the text."""
    document = document_of(report)
    parts = [
        f"# {escaped(document.title)}",
        escaped(document.subtitle),
        f"**{escaped(document.verdict)}.** {escaped(document.verdict_words)}",
        *(f"> {escaped(warning)}" for warning in document.warnings),
        "\n".join(
            f"- {escaped(tile.label)}: **{escaped(tile.value)}** ({escaped(tile.note)})" for tile in document.tiles
        ),
    ]
    for section in document.sections:
        parts += _section(section)
    return "\n\n".join([*parts, escaped(document.footer)]) + "\n"


def escaped(words: str) -> str:
    """Return words on one line, in which nothing is markup."""
    return SPECIAL.sub(_escape, " ".join(words.split()))


def spanned(name: str) -> str:
    """Return a name as code, to be copied as it is.

    One with a bar is escaped instead: readers differ on where a bar within code ends a cell.
    """
    name = " ".join(name.split())
    if not name or "|" in name:
        return escaped(name)
    fence = "`" * (1 + max(map(len, BACKTICKS.findall(name)), default=0))
    room = " " if name.startswith("`") or name.endswith("`") else ""
    return f"{fence}{room}{name}{room}{fence}"


def _escape(found: re.Match[str]) -> str:
    mark = found[0]
    return f"{mark}\\" if mark[0].isdigit() else f"\\{mark}"


def _section(section: Section) -> Iterator[str]:
    yield f"## {escaped(section.title)}"
    yield from map(escaped, section.words)
    for block in section.blocks:
        if isinstance(block, Table):
            yield f"**{escaped(block.caption)}**"
            yield _table(block)


def _table(table: Table) -> str:
    """Return a table; where its columns have no names, they stay empty, since Markdown has no table without them."""
    width = len(table.columns) or max((len(row) for row in table.rows), default=1)
    names = [escaped(column) for column in table.columns] or [""] * width
    lines = [("---:" if kind is Kind.NUMBER else "---") for kind in table.kinds] or ["---"] * width
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (names, lines, *rows))


def _cell(cell: Cell) -> str:
    words = spanned(cell.text) if cell.kind is Kind.CODE else escaped(cell.text)
    if cell.strong:
        words = f"**{words}**"
    return f"{words} ({escaped(cell.note)})" if cell.note else words
