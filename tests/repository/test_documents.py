"""The site builds without a warning, and its reference has every field of the schema."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from modelyard.contract.report import BuildReport
from modelyard.reasons import ADVICE, Reason
from modelyard.report.html import html_of


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(build, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("kind", ["OptimizedModel", "ModelBuild"])
def test_the_reference_has_every_field_of_the_spec(root: Path, site: Path, kind: str) -> None:
    crds = [yaml.safe_load(path.read_text()) for path in root.glob("crds/*.yaml")]
    crd = next(crd for crd in crds if crd["spec"]["names"]["kind"] == kind)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    page = site.joinpath("reference", kind.lower(), "index.html").read_text()
    fields = schema["properties"]["spec"]["properties"]
    assert [name for name in fields if f"<code>spec.{name}</code>" not in page] == []


def test_the_reference_tells_every_reason_and_what_to_do(site: Path) -> None:
    page = html.unescape(re.sub("<[^>]*>", "", site.joinpath("reference", "reasons", "index.html").read_text()))
    assert [one for one in Reason if one not in page or ADVICE[one].fix.replace("`", "") not in page] == []


def test_the_reference_has_every_field_of_a_report_and_an_example_of_one(site: Path) -> None:
    page = site.joinpath("reference", "report", "index.html").read_text()
    deep = ("candidates[].parity.figures.*.lower", "candidates[].gates[].outcome", "stages[].seconds")
    assert [name for name in (*aliases(BuildReport), *deep) if f"<code>{name}</code>" not in page] == []
    example = site.joinpath("reference", "report-example.json").read_text()
    assert site.joinpath("reference", "report-example.html").read_text() == html_of(
        BuildReport.model_validate_json(example)
    )


def aliases(model: type[BuildReport]) -> list[str]:
    """Return the names of a type's fields as they are written."""
    return [str(field.alias) for field in model.model_fields.values()]


def test_the_hooks_before_a_commit_fetch_nothing(root: Path) -> None:
    hooks = yaml.safe_load(root.joinpath(".pre-commit-config.yaml").read_text())
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}


@pytest.mark.parametrize("script", ["run", "setup", "test", "unit"])
def test_the_scripts_of_ci_stop_at_the_first_error(root: Path, script: str) -> None:
    path = root / ".ci" / script
    assert path.stat().st_mode & 0o111
    assert "set -euo pipefail" in path.read_text().splitlines()
    subprocess.run(["bash", "-n", str(path)], check=True)
