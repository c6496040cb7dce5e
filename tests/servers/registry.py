"""A real registry: Debian's ``docker-registry`` on a loopback port, with a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers.ports import free_ports

START_SECONDS = 20
PROGRAM = "docker-registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRegistry:
    """A registry that speaks plain HTTP at ``host`` (``127.0.0.1:PORT``); ``folder`` holds its files and log."""

    host: str
    folder: Path
    process: subprocess.Popen[bytes]


@contextmanager
def running_registry(
    folder: Path, *, htpasswd: str | None = None, port: int | None = None
) -> Iterator[RunningRegistry]:
    """Run one. htpasswd: bcrypt lines ``user:$2y$...`` of who may do anything; nobody else then may do a thing."""
    program = shutil.which(PROGRAM)
    if program is None:
        message = f"{PROGRAM} is not installed: run `make setup` (or apt-get install {PROGRAM})"
        raise RuntimeError(message)
    folder.mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{port or free_ports(1)[0]}"
    (folder / "config.yml").write_text(_configuration(folder, host, htpasswd))
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        _wait(process, host)
        yield RunningRegistry(host=host, folder=folder, process=process)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _configuration(folder: Path, host: str, htpasswd: str | None) -> str:
    lines = [
        "version: 0.1",
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}, delete: {{enabled: true}}}}",
        f"http: {{addr: '{host}'}}",
        "log: {level: warn}",
    ]
    if htpasswd is not None:
        (folder / "htpasswd").write_text(htpasswd)
        lines.append(f"auth: {{htpasswd: {{realm: modelyard, path: {folder / 'htpasswd'}}}}}")
    return "\n".join(lines) + "\n"


def _wait(process: subprocess.Popen[bytes], host: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://{host}/v2/", timeout=1)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    message = f"the registry at {host} did not come up: see the log in its folder"
    raise RuntimeError(message)
