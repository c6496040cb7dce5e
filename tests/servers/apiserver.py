"""A real API server on loopback: etcd and kube-apiserver, with RBAC, and nobody else in it.

No controllers and no kubelet: what an object becomes is its reader's to say. Apart from the local cluster, so that an
operator under test meets no other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.servers.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
ADMIN_TOKEN = "admin"  # noqa: S105 - of a server on loopback that lives for one run


@dataclass(kw_only=True)
class RunningApiServer:
    """An API server at ``url``; ``kubeconfig`` is its administrator's."""

    url: str
    folder: Path
    command: list[str]
    process: subprocess.Popen[bytes]

    @property
    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    def admin(self) -> httpx.Client:
        """Return a client of the administrator."""
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        return httpx.Client(base_url=self.url, headers=headers, verify=False, timeout=30)  # noqa: S501 - self-signed

    def kill(self) -> None:
        """End the process at once, as a crash does."""
        self.process.kill()
        self.process.wait(timeout=20)

    def start(self) -> None:
        """Start it again, on what etcd has kept."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        _wait(self)


@contextmanager
def running_api_server(folder: Path) -> Iterator[RunningApiServer]:
    """Run one; ``folder`` holds its data, keys and logs. Raises RuntimeError where the binaries are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    client, peer, port = free_ports(3)
    with ExitStack() as stack:
        stack.enter_context(_etcd(folder, client, peer))
        command = _command(folder, client, port)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        server = RunningApiServer(url=f"https://127.0.0.1:{port}", folder=folder, command=command, process=process)
        stack.callback(lambda: _end(server.process))
        server.kubeconfig.write_text(_kubeconfig(server.url))
        _wait(server)
        yield server


def program(name: str) -> Path:
    """Return a control plane's binary: of the local cluster, of this environment, or on PATH."""
    for folder in (ROOT / ".cluster" / "bin", Path(sys.executable).parent):
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    if found is None:
        message = f"{name} is not built yet: run `make cluster`"
        raise RuntimeError(message)
    return Path(found)


@contextmanager
def _etcd(folder: Path, client: int, peer: int) -> Iterator[None]:
    command: list[str | Path] = [
        program("etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
    ]
    with (folder / "etcd.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "ETCD_UNSUPPORTED_ARCH": ""})
    try:
        yield
    finally:
        _end(process)


def _command(folder: Path, etcd: int, port: int) -> list[str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, encoding = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(key.private_bytes(encoding, pem, serialization.NoEncryption()))
    (folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
    return [
        str(program("kube-apiserver")),
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--service-account-key-file={folder / 'key.pem'}",
        f"--service-account-signing-key-file={folder / 'key.pem'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.99.0.0/24",
        "--disable-admission-plugins=ServiceAccount",  # nobody makes the accounts that pods would need
        # Some distributions have it on: owner references that block a deletion then need rights to finalizers.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
    ]


def _kubeconfig(url: str) -> str:
    return "\n".join(
        [
            "apiVersion: v1",
            "kind: Config",
            "current-context: test",
            "clusters: [{name: test, cluster: {server: '" + url + "', insecure-skip-tls-verify: true}}]",
            "users: [{name: admin, user: {token: " + ADMIN_TOKEN + "}}]",
            "contexts: [{name: test, context: {cluster: test, user: admin}}]",
            "",
        ]
    )


def _wait(server: RunningApiServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    with server.admin() as admin:
        while time.monotonic() < deadline and server.process.poll() is None:
            try:
                if admin.get("/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
    message = f"the API server at {server.url} did not come up: see {server.folder / 'log'}"
    raise RuntimeError(message)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
