"""A report as one page of HTML: its style and plots within it, no script, and nothing that it fetches.

It reads in the light, in the dark and on paper, and without its colours. Every string of the report is escaped by the
template's engine; should one slip through, the page's own policy lets nothing run and nothing load.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from modelyard.contract.report import BuildReport
from modelyard.report.contents import document_of

TEMPLATES = Path(__file__).parent / "templates"


def html_of(report: BuildReport) -> str:
    """Return the page."""
    return _template().render(document=document_of(report)) + "\n"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
