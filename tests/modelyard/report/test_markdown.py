"""The Markdown: read by a reader of the specification, every string of a report is words, in the cell it belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from modelyard.contract.report import BuildReport
from modelyard.report.judged import name_of
from modelyard.report.markdown import escaped, markdown_of, spanned
from tests.modelyard.report.strategies import reports

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
"""Without the one character that readers must show as another."""
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKUP = {"html_inline", "html_block", "link_open", "image", "heading_open", "fence", "code_block", "hr"}


def words(text: str) -> str:
    """Return text as a reader shows it: blanks as one."""
    return " ".join(text.split())


def leaves(text: str) -> list[Token]:
    """Return all tokens of a text, those within lines too."""
    return [leaf for token in READER.parse(text) for leaf in (token, *(token.children or ()))]


def shown(tokens: Iterable[Token]) -> str:
    """Return what a reader shows."""
    return words("".join(leaf.content for leaf in tokens if leaf.type in {"text", "code_inline", "text_special"}))


@given(texts)
@example("# a")
@example("1. a")
@example("- [x](y)")
@example("<b>&lt;</b>")
@example("a | b")
@example("**a** _b_ `c` ~~d~~ \\")
@example("avx512_vnni")
@example("===")
@example("> a")
def test_words_are_shown_as_they_are(text: str) -> None:
    assert shown(leaves(escaped(text))) == words(text)
    assert {leaf.type for leaf in leaves(escaped(text))} <= {
        "paragraph_open",
        "paragraph_close",
        "inline",
        "text",
        "text_special",
    }


@given(texts)
@example("`a``b`")
@example("a|b")
@example("\\|")
def test_words_and_names_stay_in_their_cell(text: str) -> None:
    for cell in (escaped(text), spanned(text)):
        table = f"| a | b |\n| --- | --- |\n| {cell} | end |"
        cells = [leaf for leaf in READER.parse(table) if leaf.type == "inline"][2:]
        assert len(cells) == 2
        assert shown(cells[0].children or ()) == words(text)
        assert cells[1].content == "end"


@given(reports())
def test_any_report_makes_a_text_whose_only_markup_is_ours(report: BuildReport) -> None:
    text = markdown_of(report)
    found = leaves(text)
    assert {leaf.type for leaf in found} & (MARKUP - {"heading_open"}) == set()
    assert [leaf.tag for leaf in found if leaf.type == "heading_open"] == ["h1", *["h2"] * 6]
    assert all(name_of(candidate) in text for candidate in report.candidates)


def test_it_says_what_the_page_says(minilm: BuildReport) -> None:
    text = markdown_of(minilm)
    assert minilm.chosen.parity is not None
    for part in (*minilm.versions, *minilm.chosen.parity.figures, minilm.source.digest, minilm.machine.cpu):
        assert part in text
    assert f"`{minilm.source.digest}`" in text, "to be copied as it is"


def test_numbers_stand_on_the_right(minilm: BuildReport) -> None:
    text = markdown_of(minilm)
    speed = text.partition("## Speed")[2]
    assert "| ---: | ---: | ---: |" in speed


def test_the_same_report_makes_the_same_bytes(minilm: BuildReport) -> None:
    assert markdown_of(BuildReport.model_validate_json(minilm.to_json())) == markdown_of(minilm)
