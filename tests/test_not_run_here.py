"""Holds tests/not_run_here.toml to the truth: each command still fails, and for the reason written there.

On our own machines, that is: ``.ci/run`` sets ``NOT_RUN_HERE=held``. Anybody else's may have the internet, Docker or a
GPU, and then does more than the file says, which is told and fails nothing.
"""

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROWS_FILE = Path(__file__).with_name("not_run_here.toml")
LIMIT_SECONDS = 120
HELD = os.environ.get("NOT_RUN_HERE") == "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that cannot run here: ``command`` was tried, ``output`` is the part of what it said that matters.

    ``unless_cpu_has``: a CPU with one of these can, and there it is tested.
    """

    what: str
    command: tuple[str, ...]
    output: str
    unless_cpu_has: tuple[str, ...] = ()


def rows() -> tuple[Row, ...]:
    """Return the rows of the file that are about this machine, in its order."""
    table = tomllib.loads(ROWS_FILE.read_text())
    flags = set(Path("/proc/cpuinfo").read_text().split())
    found = [_row(row) for row in table["rows"]]
    return tuple(row for row in found if not flags & set(row.unless_cpu_has))


def _row(fields: dict[str, Any]) -> Row:
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Row(**(fields | lists))


# Asks the machine and the network, so it belongs to the whole run and not to `make unit`.
@pytest.mark.cluster
@pytest.mark.parametrize("row", rows(), ids=lambda row: row.what.split(",")[0].split(":")[0])
def test_what_cannot_run_here_still_cannot(row: Row, tmp_path: Path) -> None:
    command = [part.format(scratch=tmp_path) for part in row.command]
    if command[0] == "python3":
        command[0] = sys.executable
    try:
        tried = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            cwd=ROWS_FILE.parents[1],
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        hold(row, f"still running after {LIMIT_SECONDS} s, so it may work now: run {row.command}")
        return
    if tried.returncode == 0:
        hold(row, "works here now; test it for real and remove the row")
    elif row.output not in tried.stdout:
        hold(row, f"fails for another reason now; correct the row:\n{tried.stdout}")


def hold(row: Row, found: str) -> None:
    """Fail with what was found where the rows are held, else tell it."""
    message = f"{row.what}: {found}"
    if HELD:
        pytest.fail(message)
    print(message)
