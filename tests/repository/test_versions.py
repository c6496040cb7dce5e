"""One version everywhere: the package, the chart, the images' tags; and one version of each engine in all locks."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import modelyard

# What the build proves is what serves: these must not differ between the converter and the server.
ENGINES = ("onnxruntime", "openvino")


def pins(lock: Path) -> dict[str, str]:
    """Return package -> version of one lock."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)$", lock.read_text(), re.MULTILINE))


@pytest.fixture
def project(root: Path) -> dict[str, Any]:
    """Return the project table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads(root.joinpath("pyproject.toml").read_text())["project"]
    return table


def test_the_package_has_the_version_of_the_project(project: dict[str, Any]) -> None:
    assert modelyard.__version__ == project["version"]


def test_the_chart_installs_this_version(root: Path, project: dict[str, Any]) -> None:
    chart = yaml.safe_load(root.joinpath("charts/modelyard/Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (project["version"], project["version"])


def test_our_images_in_the_chart_have_this_version(root: Path, project: dict[str, Any]) -> None:
    images = yaml.safe_load(root.joinpath("charts/modelyard/values.yaml").read_text())["images"]
    ours = {name: images[name] for name in ("operator", "runtime", "triton")}
    assert {image["repository"] for image in ours.values()} == {f"ghcr.io/modelyard/{name}" for name in ours}
    # An empty tag means the chart's appVersion.
    assert {image["tag"] for image in ours.values()} <= {"", project["version"]}


def test_the_changelog_tells_this_version(root: Path, project: dict[str, Any]) -> None:
    assert f"## {project['version']}" in root.joinpath("CHANGELOG.md").read_text()


# What each lock is resolved from, besides what the operator needs.
EXTRAS = {"operator": (), "runtime": ("runtime",), "dev": ("runtime", "demo", "docs", "dev")}


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_is_within_the_ranges_of_the_project(root: Path, project: dict[str, Any], name: str) -> None:
    extras = [need for extra in EXTRAS[name] for need in project["optional-dependencies"][extra]]
    assert out_of_range([*project["dependencies"], *extras], pins(root / f"locks/{name}.txt")) == []


@pytest.mark.parametrize("name", ["models", "triton"])
def test_a_lock_is_within_the_ranges_of_its_own_file(root: Path, name: str) -> None:
    lines = root.joinpath(f"locks/{name}.in").read_text().splitlines()
    needs = [need for line in lines if (need := line.partition("#")[0].strip())]
    assert out_of_range(needs, pins(root / f"locks/{name}.txt")) == []


def test_a_pin_outside_its_range_and_a_missing_one_are_seen() -> None:
    assert out_of_range(["a>=2", "b[c]>=1,<3", "d"], {"a": "1.9", "b": "2.0+cpu"}) == ["a>=2", "d"]


def out_of_range(needs: Iterable[str], pinned: Mapping[str, str]) -> list[str]:
    """Return the requirements that no pin fulfils."""
    known = [(need, Requirement(need)) for need in needs]
    return [need for need, of in known if of.name not in pinned or not of.specifier.contains(pinned[of.name])]


@pytest.mark.parametrize("name", ["operator", "runtime"])
def test_the_images_install_what_the_tests_ran_with(root: Path, name: str) -> None:
    tested = pins(root / "locks/dev.txt")
    assert pins(root / f"locks/{name}.txt").items() <= tested.items()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_server_runs_the_engine_that_the_build_converted_for(root: Path, engine: str) -> None:
    assert pins(root / "locks/triton.txt")[engine] == pins(root / "locks/runtime.txt")[engine]


def test_the_server_keeps_numpy_1(root: Path) -> None:
    assert pins(root / "locks/triton.txt")["numpy"].startswith("1.")
