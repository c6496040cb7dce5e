"""Prose that the image carries anyway: paragraphs out of the documentation of Python's own library."""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCES = (
    *("argparse.py", "calendar.py", "contextlib.py", "csv.py", "difflib.py", "doctest.py", "fractions.py"),
    *("ftplib.py", "functools.py", "gettext.py", "heapq.py", "mailbox.py", "os.py", "pathlib.py", "pdb.py"),
    *("random.py", "sched.py", "shutil.py", "smtplib.py", "statistics.py", "subprocess.py", "tempfile.py"),
    *("textwrap.py", "threading.py", "turtle.py", "warnings.py", "webbrowser.py", "zipfile.py"),
    *("collections/*.py", "email/*.py", "http/*.py", "json/*.py", "logging/*.py", "urllib/*.py"),
)
LEAST_WORDS = 6
LEAST_CHARACTERS, MOST_CHARACTERS = 40, 1200
LEAST_LETTERS = 0.72
"""Share of letters and spaces: below it a paragraph is a table, a signature or an example, not prose."""

_BLANK = re.compile(r"\n\s*\n")


@cache
def prose() -> tuple[str, ...]:
    """Return texts of one or a few paragraphs, in a fixed order; some may come twice. To read them takes seconds."""
    return tuple(_prose())


def _prose() -> Iterator[str]:
    library = Path(sysconfig.get_path("stdlib"))
    for pattern in SOURCES:
        for path in sorted(library.glob(pattern)):
            for docstring in _docstrings(path):
                paragraphs = [p for p in (" ".join(part.split()) for part in _BLANK.split(docstring)) if _is_prose(p)]
                whole = " ".join(paragraphs)
                yield from [whole] if 0 < len(whole) <= MOST_CHARACTERS else paragraphs


def _docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield docstring


def _is_prose(paragraph: str) -> bool:
    """Return whether a paragraph reads as sentences."""
    if not LEAST_CHARACTERS <= len(paragraph) <= MOST_CHARACTERS or ">>>" in paragraph:
        return False
    letters = sum(character.isalpha() or character == " " for character in paragraph)
    return len(paragraph.split()) >= LEAST_WORDS and letters / len(paragraph) >= LEAST_LETTERS
