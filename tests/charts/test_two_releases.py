"""One operator a cluster: Helm itself refuses a second, since the first release owns what both would make."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.servers.apiserver import program, running_api_server

pytestmark = pytest.mark.cluster

Install: TypeAlias = Callable[..., str]
"""Installs a release by name into a namespace; returns Helm's words where it refuses, else nothing."""


@pytest.fixture(scope="module")
def install(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """A cluster in which the release ``modelyard`` is installed in ``first``."""
    with running_api_server(tmp_path_factory.mktemp("apiserver")) as server:

        def installed(release: str, namespace: str, *settings: str) -> str:
            command: list[str | Path] = [program("helm"), "install", release, root / "charts" / "modelyard"]
            command += [f"--kubeconfig={server.kubeconfig}", f"--namespace={namespace}", "--create-namespace"]
            command += [f"--set={setting}" for setting in settings]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
            return "" if done.returncode == 0 else done.stderr

        assert installed("modelyard", "first") == ""
        yield installed


def test_a_second_release_is_refused_for_the_first_one_s_crds(install: Install) -> None:
    words = install("another", "second")
    assert "CustomResourceDefinition" in words
    assert 'must equal "another": current value is "modelyard"' in words


def test_a_second_release_of_the_same_name_is_refused_without_the_crds_too(install: Install) -> None:
    words = install("modelyard", "second", "crds.install=false")
    assert "ClusterRole" in words
    assert 'must equal "second": current value is "first"' in words


def test_one_for_namespaces_of_its_own_is_installed_where_it_leaves_the_crds(install: Install) -> None:
    assert install("another", "second", "crds.install=false", "operator.namespaces={team}") == ""
