"""A real S3 server: Versity's gateway over a folder of its own, built from its Go module once."""

from __future__ import annotations

import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import botocore.session
import httpx
from botocore.config import Config

from tests.cluster.settings import cluster_from_environment
from tests.cluster.tools import binary
from tests.servers.ports import free_ports

START_SECONDS = 20
REGION = "eu-central-1"
BUCKET = "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningS3:
    """A server at ``endpoint``, with a bucket ``models`` whose objects are files below ``data``.

    ``access`` and ``secret`` may do anything; others nothing, until the bucket is made public.
    """

    endpoint: str
    data: Path
    certificate: Path | None = None
    client: Any = None
    access: str = "AKIDTESTS"
    secret: str = "its-secret"  # noqa: S105 - of this server alone

    @property
    def credentials(self) -> dict[str, str]:
        """Return the Secret that opens it."""
        return {"AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_DEFAULT_REGION": REGION}

    def upload(self, folder: Path, prefix: str, **how: str) -> None:
        """Put a folder's files below ``prefix``, as they are; ``how``: more of S3's arguments."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes(), **how)

    @property
    def host(self) -> str:
        """Return HOST:PORT."""
        return self.endpoint.partition("://")[2]

    @property
    def log(self) -> str:
        """Return what it says of each question."""
        return (self.data.parents[1] / "log").read_text()

    def new_client(self, config: Config | None = None) -> Any:
        """Return another client of its owner."""
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.access,
            aws_secret_access_key=self.secret,
            verify=str(self.certificate.with_name("ca.crt")) if self.certificate else None,
            config=config,
        )

    def put(self, key: str, content: bytes, **how: str) -> None:
        """Put one object."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content, **how)


@contextmanager
def running_s3(
    folder: Path,
    *,
    address: str = "127.0.0.1",
    port: int | None = None,
    certificate: Path | None = None,
    domain: str | None = None,
) -> Iterator[RunningS3]:
    """Run one; ``folder`` holds its data and log, and is taken up again where it is there.

    certificate: the file with the server's own, its key beside it; without, it speaks plain HTTP. domain: what buckets
    are below, where names are theirs.
    """
    program = binary(cluster_from_environment(), "versitygw")
    data, notes = folder / "data", folder / "notes"
    (data / BUCKET).mkdir(parents=True, exist_ok=True)
    notes.mkdir(exist_ok=True)
    host = f"{address}:{port or free_ports(1)[0]}"
    command: list[str | Path] = [program, f"--port={host}", f"--region={REGION}", "--health=/health", "--keep-alive"]
    tls = [f"--cert={certificate}", f"--key={certificate.with_suffix('.key')}"] if certificate else []
    command += [*tls, *([f"--virtual-domain={domain}"] if domain else [])]
    server = RunningS3(
        endpoint=f"{'https' if certificate else 'http'}://{host}", data=data / BUCKET, certificate=certificate
    )
    variables = {"ROOT_ACCESS_KEY_ID": server.access, "ROOT_SECRET_ACCESS_KEY": server.secret}
    with (folder / "log").open("ab") as log:
        # Notes on objects beside them: not every file system has room for those in its own attributes.
        command += ["posix", f"--sidecar={notes}", data]
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    try:
        _wait(process, server.endpoint, certificate)
        yield replace(server, client=server.new_client())
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: subprocess.Popen[bytes], endpoint: str, certificate: Path | None) -> None:
    verify = ssl.create_default_context(cafile=certificate.with_name("ca.crt")) if certificate else True
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{endpoint}/health", timeout=1, trust_env=False, verify=verify).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    message = f"the S3 server at {endpoint} did not come up: see the log in its folder"
    raise RuntimeError(message)
