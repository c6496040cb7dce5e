"""A user's texts: read alike out of every kind of file, and what is no dataset is refused with the fix."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.dataset import FEWEST, BadDataset, DatasetFile, digest_of, texts_in

ENOUGH = [f"text number {number}" for number in range(FEWEST)]
LINES = "\n".join(ENOUGH)


def as_csv(texts: list[str], column: str = "text") -> bytes:
    """Return a file with the texts in its second column."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["id", column], *([str(number), text] for number, text in enumerate(texts))])
    return file.getvalue().encode()


def as_json_lines(texts: list[str], column: str = "text") -> bytes:
    """Return a file of objects and plain strings in turn."""
    values: list[object] = [{column: text, "id": n} if n % 2 else text for n, text in enumerate(texts)]
    return "\n".join(map(json.dumps, values)).encode()


words = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(words, max_size=40))
def test_whatever_a_text_holds_comes_out_as_it_went_in(more: list[str]) -> None:
    texts = [*ENOUGH, *more]
    expected = tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))
    assert texts_in(as_json_lines(texts), "a.jsonl", "text") == expected
    unbroken = [text for text in texts if "\0" not in text]
    assert texts_in(as_csv(unbroken), "a.csv", "text") == tuple(
        dict.fromkeys(text.strip() for text in unbroken if text.strip())
    )


def test_a_line_is_a_text() -> None:
    assert texts_in(f"\n  {LINES}\r\n\n{ENOUGH[0]}\n".encode(), "a.txt", "text") == tuple(ENOUGH)


@pytest.mark.parametrize(
    ("key", "data", "told"),
    [
        ("a.txt", b"", "has 0 different texts, and a proof needs 460 (300 that prove, 160 that choose)"),
        ("a.txt", "\n".join(ENOUGH[1:] * 2).encode(), "has 459 different texts"),
        ("a.parquet", b"PAR1", "name it with one of .txt, .jsonl, .csv"),
        ("a.txt", b"caf\xe9", "a.txt is not UTF-8 (unexpected end of data at byte 3); save it as UTF-8"),
        ("a.jsonl", b'"one"\n\n{"text": "two"', "line 3 of a.jsonl is no JSON"),
        ("a.jsonl", b"[" * 100_000, "line 1 of a.jsonl is no JSON"),
        ("a.jsonl", b'{"body": "one", "id": 2}', "has the columns body, id and no text in 'text'; name the column"),
        ("a.jsonl", b'{"text": 7}', "has the columns text and no text in 'text'"),
        ("a.jsonl", b"7", "line 1 of a.jsonl has a value of type int and no text"),
        ("a.csv", b"id,body\n1,one\n", "line 2 of a.csv has the columns id, body and no text in 'text'"),
        ("a.csv", b'text\n"one" two\n', "line 2 of a.csv is no CSV"),
    ],
)
def test_what_is_no_dataset_is_refused_with_the_fix(key: str, data: bytes, told: str) -> None:
    with pytest.raises(BadDataset) as refused:
        texts_in(data, key, "text")
    assert told in str(refused.value)


def test_another_column_is_asked_for_by_name() -> None:
    for key, data in (("a.csv", as_csv(ENOUGH, "body")), ("a.jsonl", as_json_lines(ENOUGH, "body"))):
        assert texts_in(data, key, "body") == tuple(ENOUGH)


def test_only_what_was_pinned_is_asked() -> None:
    pinned = DatasetFile(config_map="texts", key="a.txt", column="text", digest=digest_of(LINES.encode()))
    assert pinned.texts(LINES.encode()) == tuple(ENOUGH)
    with pytest.raises(
        BadDataset, match="no longer what it was when this generation was resolved; the command refresh"
    ):
        pinned.texts(LINES.encode() + b"\none more")
