"""The Makefile explains itself, and offers what README and CI call."""

import re
import subprocess
from pathlib import Path

TARGET = re.compile(r"^([a-z0-9-]+):(?!=)(.*)$", re.MULTILINE)
PROMISED = {
    *("help", "setup", "venv", "unit", "test", "e2e", "lint", "format", "cluster", "cluster-down", "images"),
    *("crds", "lock", "demo", "demo-down", "docs", "bench", "clean"),
}


def test_every_target_has_a_line_of_help(root: Path) -> None:
    targets = dict(TARGET.findall(root.joinpath("Makefile").read_text()))
    assert targets.keys() >= PROMISED
    assert [name for name, rest in targets.items() if "## " not in rest] == []


def test_make_alone_lists_the_targets(root: Path) -> None:
    listing = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert {name for name in PROMISED if re.search(rf"\b{name}\b", listing)} == PROMISED
