"""The chart, rendered by Helm itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from tests.servers.apiserver import program

Render: TypeAlias = Callable[..., list[dict[str, Any]]]
"""Takes Helm's ``key=value``; returns the objects. Raises RuntimeError with Helm's words."""

KUBERNETES = "1.29.0"


@pytest.fixture(scope="session")
def render(root: Path) -> Render:
    """Render the chart as the release ``modelyard`` in ``modelyard-system``."""

    def rendered(*settings: str) -> list[dict[str, Any]]:
        command: list[str | Path] = [program("helm"), "template", "modelyard", root / "charts" / "modelyard"]
        command += ["--namespace=modelyard-system", f"--kube-version={KUBERNETES}"]
        command += [f"--set={setting}" for setting in settings]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]

    return rendered
