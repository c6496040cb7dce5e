"""The digest of a source's files can be taken again by whoever has them, with the commands of the documents."""

from __future__ import annotations

import subprocess
from pathlib import Path

from modelyard_runtime.sources.digest import folder_digest
from tests.repository.documented import blocks
from tests.runtime.folders import write


def test_the_documented_commands_give_the_digest(tmp_path: Path, root: Path) -> None:
    write(tmp_path / "config.json", "{}")
    write(tmp_path / "1_Pooling" / "config.json", '{"a": 1}')
    write(tmp_path / "a name with blanks", "x")
    (commands,) = blocks((root / "docs/hooks/lineage.md").read_text())
    done = subprocess.run(["bash", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"sha256:{done.stdout.split()[0]}" == folder_digest(tmp_path)[0]
