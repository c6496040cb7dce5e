"""Paragraphs out of the documentation of Python's library: text to train small models on."""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Sequence
from pathlib import Path

LEAST_WORDS = 5


def paragraphs(patterns: Sequence[str]) -> list[str]:
    """Return the paragraphs of the modules that these patterns name, each once, in order."""
    library = Path(sysconfig.get_path("stdlib"))
    return sorted({text for pattern in patterns for path in library.glob(pattern) for text in _of_file(path)})


def _of_file(path: Path) -> list[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)]
    docstrings = [ast.get_docstring(node) or "" for node in nodes]
    blocks = [" ".join(block.split()) for docstring in docstrings for block in docstring.split("\n\n")]
    return [block for block in blocks if len(block.split()) >= LEAST_WORDS]
