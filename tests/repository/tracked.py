"""The files that git knows, as the tests of the repository read them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def paths(*patterns: str) -> tuple[Path, ...]:
    """Return the tracked files, and those that will be (neither ignored nor added yet), sorted."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = {ROOT / name for name in listing.split("\0") if name}
    return tuple(sorted(path for path in found if path.is_file()))


def lines(*patterns: str) -> Iterator[tuple[str, str]]:
    """Yield ``("path:number", line)`` for each line of each tracked text file."""
    for path in paths(*patterns):
        try:
            text = path.read_text()
        except UnicodeDecodeError:  # pictures and archives hold no text to check
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            yield f"{path.relative_to(ROOT)}:{number}", line
