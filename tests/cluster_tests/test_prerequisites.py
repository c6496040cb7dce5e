"""Every missing prerequisite is told, all at once, each with its fix."""

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster import prerequisites, tools
from tests.cluster.errors import ClusterError
from tests.cluster.settings import Cluster


class Usage(NamedTuple):
    """What shutil.disk_usage answers, in bytes."""

    total: int
    used: int
    free: int


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a Go first on PATH that does what a line of shell says."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def made(line: str) -> None:
        program = tmp_path / "go"
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)

    return made


def test_another_system_than_linux_is_refused(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(ClusterError, match="needs Linux, this is Darwin") as error:
        prerequisites.check(cluster)
    assert "make demo CONTEXT=name" in error.value.fix


def test_everything_that_is_missing_is_told_at_once(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 3 * 2**30))
    with pytest.raises(ClusterError) as error:
        prerequisites.check(cluster)
    text = str(error.value)
    assert "root: namespaces" in text
    assert f"Go {tools.go_wanted()[0]} or later" in text
    assert "Debian 12" in text
    assert "3.0 GiB free, 12 GiB are needed. Free some, or set MODELYARD_CACHE" in text


@pytest.mark.parametrize("said", ["go1.19.8", "go1.26", "go1.26.7", "go1.26rc1", "weekly.2012-03-27"])
def test_an_old_go_is_told_with_what_it_is_and_what_is_wanted(
    cluster: Cluster, go: Callable[[str], None], said: str
) -> None:
    go(f"echo {said}")
    with pytest.raises(ClusterError, match=f"Go 1.26.8 or later .*, this is {said}: install it .*GOTOOLCHAIN=auto"):
        prerequisites.check(cluster)


def test_a_go_that_cannot_fetch_its_successor_is_told_with_its_words(
    cluster: Cluster, go: Callable[[str], None]
) -> None:
    go("echo 'go: download go1.26.8: no such host' >&2; exit 1")
    with pytest.raises(ClusterError, match=r"Go 1.26.8 or later [^\n]*: install it[^\n]*\n.*no such host"):
        prerequisites.check(cluster)


@pytest.mark.parametrize(
    "said", ["go1.26.8", "go1.26.10", "go1.27", "go2.0.1", "devel go1.28-0a1b2c", "go1.27.1 X:none"]
)
def test_a_go_that_builds_all_modules_is_not_told(cluster: Cluster, go: Callable[[str], None], said: str) -> None:
    go(f"echo '{said}'")
    assert "Go " not in told(cluster)


def told(cluster: Cluster) -> str:
    """Return what this machine lacks, whatever else that is."""
    try:
        prerequisites.check(cluster)
    except ClusterError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("document", ["README.md", "docs/tutorial/index.md", "docs/how-to/develop.md"])
def test_who_reads_only_the_documents_knows_the_version(root: Path, document: str) -> None:
    assert f"Go {tools.go_wanted()[0]}" in (root / document).read_text()


def test_a_missing_package_names_itself_and_the_command(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "packages", lambda: ["no-such-package-anywhere"])
    with pytest.raises(ClusterError, match="Debian packages no-such-package-anywhere: run `make setup`"):
        prerequisites.check(cluster)


def test_every_package_of_the_list_has_its_reason(root: Path) -> None:
    lines = (root / "tests" / "cluster" / "packages.txt").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert len(listed) == len(prerequisites.packages())
    assert all(line.partition("#")[2].strip() for line in listed)
