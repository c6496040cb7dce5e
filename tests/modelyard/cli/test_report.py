"""``modelyard report``: out of a real registry, or out of a file, in the form that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.cli import main
from modelyard.contract.report import BuildReport
from modelyard.oci.artifact import ARTIFACT_TYPE, attach_report, image_of, push
from modelyard.oci.client import Repository
from modelyard.oci.layers import layers_of
from modelyard.oci.reference import Reference
from modelyard.report.html import html_of
from modelyard.report.markdown import markdown_of
from tests.servers.registry import RunningRegistry, running_registry

FILE = Path(__file__).parents[1] / "report" / "reports" / "minilm.json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def report() -> BuildReport:
    """The report that is pushed."""
    return BuildReport.model_validate_json(FILE.read_bytes())


@pytest.fixture(scope="module")
def artifact(registry: RunningRegistry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An artifact with the report, by digest."""
    return pushed(registry, tmp_path_factory.mktemp("artifact"), "whole", FILE.read_bytes())


def pushed(registry: RunningRegistry, folder: Path, name: str, report: bytes | None) -> str:
    """Push a small artifact, with a report if there is one, and return its reference."""
    (folder / "golden.json").write_text("{}")
    with Repository(Reference.parse(f"{registry.host}/search/{name}:k"), plain_http=True) as repository:
        subject = push(repository, image_of(layers_of(folder), ARTIFACT_TYPE), "k")
        if report is not None:
            attach_report(repository, subject, report)
    return f"oci://{registry.host}/search/{name}@{subject.digest}"


def test_without_a_format_it_is_markdown_for_the_terminal(
    artifact: str, report: BuildReport, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", artifact, "--plain-http"]) == 0
    assert capsys.readouterr().out == markdown_of(report)


def test_json_is_as_the_build_wrote_it(artifact: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", artifact, "--plain-http", "--format", "json"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == FILE.read_text().rstrip("\n")


@pytest.mark.parametrize("options", [["--format", "html"], []])
def test_a_page_goes_into_a_file_whose_ending_says_so(
    artifact: str, report: BuildReport, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    file = tmp_path / "report.html"
    assert main(["report", artifact, "--plain-http", "--output", str(file), *options]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    assert file.read_text() == html_of(report)


def test_a_tag_names_the_artifact_too(artifact: str, report: BuildReport, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", f"{artifact.partition('@')[0]}:k", "--plain-http"]) == 0
    assert capsys.readouterr().out == markdown_of(report)


def test_a_file_with_a_report_does_as_well(report: BuildReport, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(FILE), "--format", "html"]) == 0
    assert capsys.readouterr().out == html_of(report)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["report", "{host}/search/bare@{digest}", "--plain-http"], "has no report; name the artifact of a build"),
        (["report", "{host}/search/forged:k", "--plain-http"], "can't be read (engine: Input should be"),
        (["report", "{host}/search/whole:absent", "--plain-http"], "status.result.artifact names what is"),
        (["report", "oci://127.0.0.1:1/m:1"], "add --plain-http"),
        (["report", "absent.json"], "write HOST/REPOSITORY:TAG"),
        (["report", "{file}", "--output", "{tmp}/absent/report.html"], "give --output a file in a folder of yours"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_fix(
    arguments: list[str],
    told: str,
    registry: RunningRegistry,
    artifact: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert artifact
    bare = pushed(registry, tmp_path, "bare", None)
    pushed(registry, tmp_path, "forged", FILE.read_bytes().replace(b'"OnnxRuntime"', b'"Magic"'))
    places = {"host": registry.host, "digest": bare.rpartition("@")[2], "file": FILE, "tmp": tmp_path}
    assert main([word.format(**places) for word in arguments]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
