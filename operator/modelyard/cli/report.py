"""``modelyard report REFERENCE [--format FORMAT] [--output FILE]``: what a build measured, as people read it.

The report is pulled from the registry and rendered here, by this version's words. A file with a report does as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.cli.oci_options import RegistryProblem, add_plain_http, repository
from modelyard.errors import ModelyardError

if TYPE_CHECKING:
    from modelyard.contract.report import BuildReport

FORMATS = ("json", "markdown", "html")
SUFFIXES: Mapping[str, str] = {".json": "json", ".md": "markdown", ".html": "html"}


class NoReport(ModelyardError):
    """There is no report there, or none that this version can read or write down."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take whose report, its format, and where it goes."""
    parser.add_argument(
        "reference",
        metavar="oci://HOST/REPOSITORY@DIGEST",
        help="the artifact (status.result.artifact of its ModelBuild names it), or a file report.json",
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="json is as the build wrote it (default: by the file's ending, else markdown)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write it (default: standard output)")
    add_plain_http(parser)


def run(args: argparse.Namespace) -> int:
    """Render; print it, or say where it was written."""
    wanted = args.format or (SUFFIXES.get(args.output.suffix, "markdown") if args.output else "markdown")
    content = _content(args.reference, plain_http=args.plain_http)
    if wanted != "json":  # JSON stays as it is, also where it is of a version that this one can't read
        content = _renderer(wanted)(_read(args.reference, content)).encode()
    if args.output is None:
        sys.stdout.buffer.write(content if content.endswith(b"\n") else content + b"\n")
        return 0
    try:
        args.output.write_bytes(content)
    except OSError as error:
        raise NoReport(f"{args.output} can't be written: {error}; give --output a file in a folder of yours") from error
    print(args.output)
    return 0


def _content(reference: str, *, plain_http: bool) -> bytes:
    """Return the report as the build wrote it. Raises NoReport and RegistryProblem."""
    from modelyard.oci.artifact import read_report

    file = Path(reference)
    if file.is_file():
        return file.read_bytes()
    with repository(reference, plain_http=plain_http) as registry:
        found = registry.resolve(registry.place.version)
        if found is None:
            raise RegistryProblem(f"there is no {registry.place}; a ModelBuild's status.result.artifact names what is")
        content = read_report(registry, found.digest)
    if content is None:
        raise NoReport(f"{reference} has no report; name the artifact of a build, as its ModelBuild's status does")
    return content


def _read(reference: str, content: bytes) -> BuildReport:
    from pydantic import ValidationError

    from modelyard.contract.report import BuildReport

    try:
        return BuildReport.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "it"
        fix = "use the version of modelyard that built it, or --format json"
        raise NoReport(f"the report of {reference} can't be read ({place}: {fault['msg']}); {fix}") from error


def _renderer(wanted: str) -> Callable[[BuildReport], str]:
    """Return what renders; only that is imported."""
    if wanted == "html":
        from modelyard.report.html import html_of

        return html_of
    from modelyard.report.markdown import markdown_of

    return markdown_of
