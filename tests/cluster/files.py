"""Write a file only when it says something new: kube-proxy, for one, ends when its configuration is written."""

from pathlib import Path


def write(file: Path, text: str) -> Path:
    """Have `text` in `file`, and its folder with it; return the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
    return file
