"""The calls of docs/how-to/ask.md, run as they stand there against a model that is served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from modelyard_runtime.candidates import Trial
from modelyard_runtime.repository import name_of
from tests.runtime.proof.bench import Bench

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "ask.md"
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"^ADDRESS, MODEL, FOLDER = .*$", re.MULTILINE)


def run_documented(heading: str, bench: Bench, trial: Trial, folder: Path) -> dict[str, Any]:
    """Serve a candidate, run what stands before all headings and below one, and return what that defines.

    folder: the model's own files. Only the three words that say what is asked are changed.
    """
    first, *sections = SECTION.split(PAGE.read_text())
    section = dict(zip(sections[::2], sections[1::2], strict=True))[heading]
    [before], [call] = CODE.findall(first), CODE.findall(section)
    assert trial.decision is not None
    with bench.sidecar.serving(trial.candidate, trial.decision, threads=2):
        place = (bench.address, name_of(trial.candidate), str(folder))
        code, count = PLACE.subn(lambda _: f"ADDRESS, MODEL, FOLDER = {place!r}", before + call)
        assert count == 1
        found: dict[str, Any] = {}
        exec(compile(code, str(PAGE), "exec"), found)  # noqa: S102 - our own documentation
    found["client"].close()
    return found
