"""Start the real Triton under our own supervisor, as the pods do, on loopback."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from modelyard_runtime.triton import TritonServer
from tests.servers.ports import free_ports
from tests.servers.triton_home import cache_folder, triton_home

REVISION = "aaaaaaaa"
ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "runtime"
LOCK = ROOT / "locks" / "triton.txt"
START_SECONDS = 300
"""Of a server in a fixture: the unit tests yield to all that runs beside them, and pytest's own timeout tells who is
stuck from who is slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTriton:
    """A supervisor and the Triton it runs. ``folder`` has its log and termination message."""

    process: subprocess.Popen[bytes]
    http_port: int
    grpc_port: int
    health_port: int
    folder: Path

    def ready(self, revision: str = REVISION) -> bool:
        """Return whether it says that new requests are welcome."""
        return self._says(f"/ready/{revision}")

    def serving(self, revision: str = REVISION) -> bool:
        """Return whether it says that it answers requests."""
        return self._says(f"/serving/{revision}")

    @property
    def termination(self) -> Path:
        """Return the file of the termination message."""
        return self.folder / "termination"

    @property
    def log(self) -> str:
        """Return what supervisor and server wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def _says(self, path: str) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.health_port}{path}", timeout=5).is_success
        except httpx.TransportError:
            return False  # not there yet, or gone

    def client(self, *, timeout: float = 60.0) -> TritonServer:
        """Return a client for one thread."""
        return TritonServer("127.0.0.1", self.http_port, timeout=timeout)


def server_environment() -> Path:
    """Return a virtual environment with what the Triton image has: numpy 1 and the engines. Made once a lock."""
    pins = LOCK.read_text()
    name = (
        f"triton-env-{sys.version_info.major}.{sys.version_info.minor}-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"
    )
    folder = cache_folder() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([folder / "bin" / "pip", "install", "--quiet", "-r", LOCK], check=True)
            (folder / "complete").touch()
    return folder


def home_with_backend(folder: Path) -> Path:
    """Return a Triton home in ``folder`` that has our backend beside the Python one, as the image has."""
    home = folder / "tritonserver"
    backends = home / "backends"
    backends.mkdir(parents=True)
    wheel = triton_home()
    (home / "bin").symlink_to(wheel / "bin")
    (home / "caches").symlink_to(wheel / "caches")
    (backends / "python").symlink_to(wheel / "backends" / "python")
    (backends / "modelyard").symlink_to(RUNTIME / "modelyard_runtime" / "backend")
    return home


def check_stub(stub: Path, variables: Mapping[str, str]) -> None:
    """Raise FileNotFoundError with the fix if the Python backend's stub would not find Python's own library."""
    said = subprocess.run(["ldd", stub], env=variables, stdout=subprocess.PIPE, text=True, check=True).stdout
    if missing := re.search(r"(libpython\S+) => not found", said):
        package = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
        fix = f"install Debian's package {package}, or use a Python that was built with --enable-shared"
        raise FileNotFoundError(f"Triton's Python stub finds no {missing[1]}: {fix}")


@contextmanager
def running_triton(repository: Path, folder: Path, *options: str, insecure: bool = True) -> Iterator[RunningTriton]:
    """Run ``modelyard-server`` on a repository, in an empty ``folder``; ends its whole process group afterwards.

    ``insecure``: this Triton is one of those that serve nobody, unless they are allowed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    http_port, grpc_port, metrics_port, health_port = free_ports(4)
    environment = server_environment()
    command = [
        *(str(environment / "bin" / "python3"), "-m", "modelyard_runtime.server"),
        *("--repository", str(repository), "--address", "127.0.0.1", "--home", str(home_with_backend(folder))),
        *("--http-port", str(http_port), "--grpc-port", str(grpc_port), "--metrics-port", str(metrics_port)),
        *("--health-port", str(health_port), "--revision", REVISION, *options),
        *(["--allow-insecure"] if insecure else []),
    ]
    variables = {
        "PATH": f"{environment / 'bin'}:/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(RUNTIME),
        "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR")),
        "MODELYARD_TERMINATION_LOG": str(folder / "termination"),
    }
    check_stub(folder / "tritonserver" / "backends" / "python" / "triton_python_backend_stub", variables)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    ports = {"http_port": http_port, "grpc_port": grpc_port, "health_port": health_port}
    running = RunningTriton(process=process, folder=folder, **ports)
    try:
        yield running
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the supervisor, which ends its group in bounded time."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
