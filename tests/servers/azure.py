"""Azure's store as Microsoft gives it to developers: Azurite, out of npm's registry, over TLS."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from azure.storage.blob import ContainerClient

from tests.servers.files import certificate_for
from tests.servers.ports import free_ports
from tests.servers.triton_home import cache_folder

START_SECONDS = 60
MODULE = Path(__file__).with_name("azurite")
ACCOUNT, CONTAINER = "acme", "models"
HOST = f"{ACCOUNT}.blob.core.windows.net"
"""What the account is called at Azure's: a proxy leads clients from there to ``RunningAzure.host``."""
KEY = b64encode(b"the key of an account of tests!!").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningAzure:
    """A server at ``host`` (127.0.0.1:PORT), trusted by ``certificate``'s authority. ``container``: its owner's."""

    host: str
    certificate: Path
    container: ContainerClient

    def upload(self, folder: Path, prefix: str) -> None:
        """Put a folder's files below ``prefix``."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes())

    def put(self, name: str, content: bytes) -> None:
        """Put one blob, over what is there."""
        self.container.upload_blob(name, content, overwrite=True)


def azurite() -> Path:
    """Return the program, installed from its lock at the first call, under a lock. Raises RuntimeError without npm."""
    pins = (MODULE / "package-lock.json").read_bytes()
    folder = cache_folder() / f"azurite-{hashlib.sha256(pins).hexdigest()[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            if shutil.which("npm") is None:
                message = "npm is not installed: install Node 20 or later, which brings it, and put it on PATH"
                raise RuntimeError(message)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(MODULE, folder)
            quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
            subprocess.run(["npm", "ci", *quiet], cwd=folder, check=True)
            (folder / "complete").touch()
    return folder / "node_modules" / ".bin" / "azurite-blob"


@contextmanager
def running_azure(folder: Path) -> Iterator[RunningAzure]:
    """Run one with an empty container; ``folder`` holds its certificate and log, its data are in memory."""
    certificate = certificate_for(folder / "tls", "127.0.0.1", HOST)
    (port,) = free_ports(1)
    command: list[str | Path] = [azurite(), "--blobHost=127.0.0.1", f"--blobPort={port}", "--inMemoryPersistence"]
    command += [f"--cert={certificate}", f"--key={certificate.with_suffix('.key')}"]
    command += ["--skipApiVersionCheck", "--disableTelemetry"]
    variables = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    try:
        authority = str(certificate.with_name("ca.crt"))
        _wait(process, port)
        url = f"https://127.0.0.1:{port}/{ACCOUNT}"
        with ContainerClient(url, CONTAINER, credential=KEY, connection_verify=authority) as container:
            container.create_container()
            yield RunningAzure(host=f"127.0.0.1:{port}", certificate=certificate, container=container)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"https://127.0.0.1:{port}/", timeout=1, trust_env=False, verify=False)  # noqa: S501 - is it there?
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    message = f"Azurite on port {port} did not come up: see the log in its folder"
    raise RuntimeError(message)
