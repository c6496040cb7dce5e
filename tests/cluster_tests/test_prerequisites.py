"""Every missing prerequisite is told, all at once, each with its fix."""

import os
import platform
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster import prerequisites
from tests.cluster.errors import ClusterError
from tests.cluster.settings import Cluster


class Usage(NamedTuple):
    """What shutil.disk_usage answers, in bytes."""

    total: int
    used: int
    free: int


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
    assert "Go 1.26 or later" in text
    assert "Debian 12" in text
    assert "3.0 GiB free, 12 GiB are needed. Free some, or set MODELYARD_CACHE" in text


def test_a_missing_package_names_itself_and_the_command(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "packages", lambda: ["no-such-package-anywhere"])
    with pytest.raises(ClusterError, match="Debian packages no-such-package-anywhere: run `make setup`"):
        prerequisites.check(cluster)


def test_every_package_of_the_list_has_its_reason(root: Path) -> None:
    lines = (root / "tests" / "cluster" / "packages.txt").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert len(listed) == len(prerequisites.packages())
    assert all(line.partition("#")[2].strip() for line in listed)
