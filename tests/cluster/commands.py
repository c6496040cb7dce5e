"""Run a program and say plainly what it printed when it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError

TAIL_CHARACTERS = 4000


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    cwd: Path | None = None,
    seconds: float = 120,
    fix: str = "read the output above",
) -> str:
    """Return what the program printed on stdout. Raises ClusterError with its output when it fails or hangs."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words, env=env, input=stdin, cwd=cwd, timeout=seconds, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise ClusterError(f"{words[0]} is not installed", fix="make setup") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{' '.join(words)}: no end after {seconds:.0f} s", fix=fix) from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr)[-TAIL_CHARACTERS:].strip()
        raise ClusterError(f"{' '.join(words)}: exit status {done.returncode}\n{output}", fix=fix)
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, seconds: float = 30) -> bool:
    """Tell whether the program ends with exit status 0; its output is of no interest."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, timeout=seconds, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 0
