"""The commands that the documents tell their readers to type: of fenced blocks, and of code in the text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.repository.tracked import ROOT, paths

PROGRAMS = {"make", "kubectl", "modelyard", "helm", "docker", "buildah", "pytest", "pre-commit", "python"}
FENCED = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGE = re.compile(r"^```\w+\n.*?^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One call. ``program`` is its name without a folder; ``words`` are what follows it, unquoted."""

    where: Path
    program: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        """Return the call and its place, as a failed test shows it."""
        return f"{self.where.relative_to(ROOT)}: {self.program} {' '.join(self.words)}"

    @property
    def flags(self) -> tuple[str, ...]:
        """The long options, without their values."""
        return tuple(word.partition("=")[0] for word in self.words if word.startswith("--"))


def commands(*programs: str) -> tuple[Command, ...]:
    """Return the calls of these programs in all documents, each once a document."""
    found = (each for document in paths("*.md") for each in commands_in(document, document.read_text()))
    return tuple(dict.fromkeys(each for each in found if each.program in programs))


def commands_in(where: Path, text: str) -> Iterator[Command]:
    """Yield the calls of known programs in a document of Markdown."""
    text = LANGUAGE.sub("", text)
    prose = FENCED.sub("", text)
    for code in (*blocks(text), *SPAN.findall(prose)):
        for words in calls(code):
            program = Path(words[0]).name
            # In the text, a program without arguments is only its name; `make` is a call all the same.
            if program in PROGRAMS and (words[1:] or program == "make"):
                yield Command(where=where, program=program, words=tuple(words[1:]))


def blocks(text: str) -> list[str]:
    """Return what a document of Markdown has its readers type: its fenced blocks of no language."""
    return FENCED.findall(LANGUAGE.sub("", text))


def calls(code: str) -> Iterator[list[str]]:
    """Yield the calls in lines of shell: those of pipes, loops and ``$(...)`` too."""
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            tokens = list(lexer)
        except ValueError:  # a quotation over several lines: data, and no call begins within it
            continue
        call: list[str] = []
        for token in (*tokens, ";"):
            if set(token) <= set("();<>|&"):
                yield from (call,) if call else ()
                call = []
            elif call or not (ASSIGNMENT.match(token) or token in {"do", "export"}):
                call.append(token)
