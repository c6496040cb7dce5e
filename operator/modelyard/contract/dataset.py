"""Texts of the user's own, out of a file: read alike by the operator, which pins it, and by the build, which asks them.

Pure and light. The file's name says what it is: ``.txt`` has a text a line, ``.jsonl`` a JSON value a line, ``.csv`` a
row a text below a header.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

from pydantic import Field

from modelyard.contract.wire import Wire

FEWEST_PROVING, SELECTING = 300, 160
FEWEST = FEWEST_PROVING + SELECTING
"""Texts that a proof needs at least: with fewer no percentile has a bound worth a gate, and none is asked twice."""


DATASET_FOLDER = "/dataset"
DATASET_VARIABLE = "MODELYARD_DATASET_FOLDER"
"""Where ``convert`` finds the file, and the variable that says so elsewhere than in a Job's pod."""

NO_PAIRS = (
    "the task Reranking asks questions with passages, and a dataset has single texts; leave gates.dataset out: "
    "built-in pairs are asked then"
)


class BadDataset(ValueError):
    """A file that no proof can be taken on. Says why, and the fix."""


class DatasetFile(Wire):
    """A key of a ConfigMap, as it was when it was pinned. digest: ``sha256:...`` of its bytes."""

    config_map: str
    key: str
    column: str = Field(min_length=1)
    digest: str

    def texts(self, data: bytes) -> tuple[str, ...]:
        """Return the texts in ``data``. Raises BadDataset if that isn't what was pinned, or is no dataset."""
        if digest_of(data) != self.digest:
            message = (
                f"key {self.key} of ConfigMap {self.config_map} is no longer what it was when this generation was "
                "resolved; the command refresh takes it as it is now"
            )
            raise BadDataset(message)
        return texts_in(data, self.key, self.column)


def digest_of(data: bytes) -> str:
    """Return ``sha256:...``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def texts_in(data: bytes, key: str, column: str) -> tuple[str, ...]:
    """Return a file's texts in its order, without empty and repeated ones. Raises BadDataset."""
    reader = _READERS.get(PurePosixPath(key).suffix)
    if reader is None:
        raise BadDataset(f"{key} is named like no dataset; name it with one of {', '.join(_READERS)}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise BadDataset(f"{key} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    texts = tuple(dict.fromkeys(text for text in map(str.strip, reader(whole, key, column)) if text))
    if len(texts) < FEWEST:
        message = (
            f"{key} has {len(texts)} different texts, and a proof needs {FEWEST} ({FEWEST_PROVING} that prove, "
            f"{SELECTING} that choose); add some, or leave gates.dataset out: built-in text is asked then"
        )
        raise BadDataset(message)
    return texts


def _lines(whole: str, _: str, __: str) -> Iterator[str]:
    yield from whole.splitlines()


def _json_lines(whole: str, key: str, column: str) -> Iterator[str]:
    """Yield the texts of lines that hold a string each, or an object with the column."""
    for number, line in enumerate(whole.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadDataset(f"line {number} of {key} is no JSON ({error}); write one value a line") from error
        yield _text(value, f"line {number} of {key}", column)


def _rows(whole: str, key: str, column: str) -> Iterator[str]:
    """Yield the texts of rows below a header."""
    table = csv.DictReader(io.StringIO(whole, newline=""), strict=True)
    try:
        for row in table:
            yield _text(row, f"line {table.line_num} of {key}", column)
    except csv.Error as error:
        raise BadDataset(
            f"line {table.reader.line_num} of {key} is no CSV ({error}); quote texts with commas"
        ) from error


def _text(value: object, where: str, column: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(value.get(column), str):
        return str(value[column])
    had = (
        f"the columns {', '.join(map(str, value))}"
        if isinstance(value, Mapping)
        else f"a value of type {type(value).__name__}"
    )
    raise BadDataset(f"{where} has {had} and no text in {column!r}; name the column of texts in gates.dataset.column")


_READERS: Mapping[str, Callable[[str, str, str], Iterator[str]]] = {
    ".txt": _lines,
    ".jsonl": _json_lines,
    ".csv": _rows,
}
