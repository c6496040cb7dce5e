"""The demo as a user runs it: from whatever is there to a table of figures, whatever KUBECONFIG says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.target import Target, context_target
from tests.e2e.kit import WithValues

pytestmark = pytest.mark.cluster


@pytest.fixture
def default_namespace(system: Target, with_values: WithValues) -> Iterator[None]:
    """The namespace that the demo uses, without what it makes there; it installs the chart with no values of ours."""
    with with_values():
        yield
    system.cluster.run("delete", "optimizedmodel", "minilm", "--ignore-not-found", "--wait", seconds=120)


@pytest.mark.alone
@pytest.mark.usefixtures("default_namespace")
def test_demo_ends_with_a_table(root: Path, tmp_path: Path) -> None:
    """It names no cluster of ours: an inherited KUBECONFIG must not be followed."""
    foreign = tmp_path / "foreign"
    foreign.write_text("current-context: nowhere\n")
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        cwd=root,
        env={**os.environ, "KUBECONFIG": str(foreign)},
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = dict(re.findall(r"^  (\w[\w /0-9]*?)  +(.+)$", done.stdout, re.MULTILINE))
    assert rows["phase"] == "Healthy"
    assert set(rows) >= {"engine", "precision", "parity", "speedup", "artifact size", "latency p50 / p95"}
    assert float(rows["apply to Healthy"].removesuffix(" s")) > 0
    assert "kubectl describe optimizedmodel minilm" in done.stdout


def test_an_unknown_context_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONTEXT means a context of the user's own kubeconfig, and nothing else."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(
        "{kind: Config, apiVersion: v1, contexts: [{name: mine, context: {cluster: c, user: u}}]}"
    )
    assert context_target("mine").cluster.context == "mine"
    with pytest.raises(LookupError, match="no context 'theirs', it has: mine"):
        context_target("theirs")
