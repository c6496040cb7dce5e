"""What only this machine knows, read from its own configuration: registry hosts and its folders."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.repository.tracked import ROOT

HOST = re.compile(r"https?://(?:[^/@\s'\"]*@)?([A-Za-z0-9.-]+\.[A-Za-z]{2,})")
RECOMMENDED = frozenset({"download.pytorch.org"})
"""Hosts that our documents tell users to set up: no trace of a machine that followed them."""
APT_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))


def _said_by(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


def _apt_sources() -> str:
    files = [file for source in APT_SOURCES for file in ([source] if source.is_file() else source.glob("*"))]
    return "\n".join(file.read_text() for file in files)


def registry_hosts() -> frozenset[str]:
    """Return the hosts of the package registries that pip, Go, npm and apt of this machine are set up for."""
    from pip._internal.models.index import PyPI

    settings = [
        PyPI.url,
        _said_by(sys.executable, "-m", "pip", "config", "list"),
        _said_by("go", "env", "GOPROXY"),
        "https://" + _said_by("go", "env", "GOSUMDB"),
        _said_by("npm", "config", "get", "registry"),
        _apt_sources(),
    ]
    return (frozenset(HOST.findall("\n".join(settings))) | {PyPI.file_storage_domain}) - RECOMMENDED


def own_folders() -> frozenset[str]:
    """Return the absolute folders that mean something on this machine alone: checkout, what lies beside, Python."""
    candidates = {ROOT, ROOT.parent / "shared", Path(sys.prefix), Path(sys.base_prefix)}
    # A folder right under / (as /src or /usr) is a common word, not a trace of a machine.
    return frozenset(str(folder) for folder in candidates if len(folder.parts) > 2)
