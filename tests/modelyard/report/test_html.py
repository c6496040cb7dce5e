"""The page: whatever a report holds, it is text there; nothing runs, nothing is fetched, nothing is left out."""

from __future__ import annotations

import re

from hypothesis import given

from modelyard.contract.report import BuildReport
from modelyard.report.html import html_of
from modelyard.report.judged import name_of
from modelyard.report.words import milliseconds
from tests.modelyard.report.page import page_of
from tests.modelyard.report.strategies import reports

HOSTILE = '"><script>alert(1)</script><img src=//x.example onerror=alert(1)>{{7*7}}</style></svg>&amp;'
PLOTS = ("Candidates on speed against agreement", "Latency of one call", "How far answers are from the original's")


def hostile(report: BuildReport) -> BuildReport:
    """Return the report with every string of a model's or a build's own words exchanged."""
    candidates = tuple(
        one.model_copy(
            update={
                "message": HOSTILE,
                "parity": one.parity
                and one.parity.model_copy(
                    update={
                        "dataset": HOSTILE,
                        "caveat": HOSTILE,
                        "distribution": one.parity.distribution
                        and one.parity.distribution.model_copy(update={"measure": HOSTILE}),
                    }
                ),
                "speed": one.speed and one.speed.model_copy(update={"baseline": HOSTILE}),
            }
        )
        for one in report.candidates
    )
    words = {"ref": HOSTILE, "digest": HOSTILE, "architecture": HOSTILE, "model_type": HOSTILE, "kind": HOSTILE}
    return report.model_copy(
        update={
            "name": HOSTILE,
            "key": HOSTILE,
            "candidates": candidates,
            "source": report.source.model_copy(update=words),
            "machine": report.machine.model_copy(update={"cpu": HOSTILE, "instruction_sets": (HOSTILE,)}),
            "versions": dict.fromkeys(report.versions, HOSTILE),
            "stages": tuple(stage.model_copy(update={"name": HOSTILE}) for stage in report.stages),
        }
    )


def with_caveat(report: BuildReport) -> BuildReport:
    """Return the report with a warning, so that its page has the same elements as one whose warning is hostile."""
    candidates = tuple(
        one.model_copy(update={"parity": one.parity and one.parity.model_copy(update={"caveat": "Mind this."})})
        for one in report.candidates
    )
    return report.model_copy(update={"candidates": candidates})


@given(reports())
def test_any_report_makes_a_page_in_which_nothing_runs_and_nothing_is_fetched(report: BuildReport) -> None:
    page = page_of(html_of(report))
    assert page.handlers == []
    assert {tag.name for tag in page.tags} & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "base",
        "form",
    } == set()
    assert all(reference.startswith("#") for reference in page.references)
    assert all(name_of(candidate) in page.text for candidate in report.candidates)


def test_what_a_model_says_changes_words_alone_and_no_element(minilm: BuildReport) -> None:
    page, honest = page_of(html_of(hostile(minilm))), page_of(html_of(with_caveat(minilm)))
    assert page.shape == honest.shape
    assert page.text.count(HOSTILE) > 20


def test_the_page_allows_itself_nothing_but_its_own_style(minilm: BuildReport) -> None:
    policy = next(tag for tag in page_of(html_of(minilm)).tags if "http-equiv" in tag.attributes)
    assert policy.attributes["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_every_plot_is_told_in_words_and_has_its_numbers_in_a_table_beside_it(minilm: BuildReport) -> None:
    page = page_of(html_of(minilm))
    plots = [tag for tag in page.tags if tag.name == "svg"]
    ids = [tag.attributes["id"] for tag in page.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    assert len(plots) == len(PLOTS)
    for plot, title in zip(plots, PLOTS, strict=True):
        assert plot.attributes["role"] == "img"
        assert set(str(plot.attributes["aria-labelledby"]).split()) <= set(ids)
        assert title in page.text
    assert [tag.name for tag in page.tags].count("figcaption") == len(PLOTS)
    assert minilm.chosen.speed is not None
    for latency in minilm.chosen.speed.latencies:
        assert milliseconds(latency.p50_ms) in page.text


def test_sections_and_tables_are_named_for_those_who_hear_the_page(minilm: BuildReport) -> None:
    tags = page_of(html_of(minilm)).tags
    tables = [tag for tag in tags if tag.name == "table"]
    assert len([tag for tag in tags if tag.name == "caption"]) == len(tables)
    assert all("scope" in tag.attributes for tag in tags if tag.name == "th")
    assert next(tag for tag in tags if tag.name == "html").attributes["lang"] == "en"


def test_the_same_report_makes_the_same_bytes(minilm: BuildReport) -> None:
    again = BuildReport.model_validate_json(minilm.to_json())
    assert html_of(again) == html_of(minilm)


def test_a_report_of_an_older_build_is_a_page_without_that_plot_and_says_so(older: BuildReport) -> None:
    page = page_of(html_of(older))
    assert "did not keep the distribution" in page.text
    assert "did not keep the gates" in page.text
    assert PLOTS[2] not in page.text
    assert PLOTS[1] in page.text
    assert "Export proven" in page.text


def test_the_page_has_a_look_for_the_dark_and_for_paper(minilm: BuildReport) -> None:
    style = re.search(r"<style>(.*?)</style>", html_of(minilm), re.DOTALL)
    assert style is not None
    assert "@media (prefers-color-scheme: dark)" in style[1]
    assert "@media print" in style[1]
    assert not re.search(r"url\(|@import", style[1])


def test_every_class_of_a_plot_has_its_colours_in_the_style(minilm: BuildReport) -> None:
    html = html_of(minilm)
    style, used = html.partition("</style>")[0], set()
    for tag in page_of(html).tags:
        if tag.name in {"line", "circle", "rect", "polygon"}:
            used.update(str(tag.attributes["class"]).split())
    assert [name for name in sorted(used) if f".{name}" not in style] == []
