"""The registry that stands in for every public one: Debian's docker-registry over one folder of the cache.

Two processes serve that folder. On the host's loopback it is writable, and images are pushed there; on the
node's own loopback it is for reading, and containerd finds every public name in it. The names that a cluster's
nodes see lie below the cluster's ident, so that checkouts share bytes and never each other's tags.
"""

import json
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tests.cluster import machine, processes
from tests.cluster.errors import ClusterError
from tests.cluster.files import write
from tests.cluster.processes import Program
from tests.cluster.settings import NODE_MIRROR_PORT, Cluster

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
HTTP_SECONDS = 60


def ensure_on_host(cluster: Cluster) -> None:
    """Serve the mirror on the host's loopback, for pushing, unless it is served already."""
    program = _program(cluster, "mirror", cluster.mirror_port, writable=True)
    if processes.running(cluster, program.name) is None and _taken(cluster.mirror_port):
        raise ClusterError(
            f"port {cluster.mirror_port} of the loopback is taken, and not by our mirror registry",
            fix=f"stop what listens there (ss -ltnp 'sport = {cluster.mirror_port}'), or move the checkout",
        )
    processes.ensure(cluster, program)
    processes.await_ready(cluster, program.name, lambda: _taken(cluster.mirror_port), seconds=20)


def ensure_on_node(cluster: Cluster) -> None:
    """Serve the mirror on the node's loopback, for containerd, unless it is served already."""
    program = _program(cluster, "node-mirror", NODE_MIRROR_PORT, writable=False)
    processes.ensure(cluster, program, enter=machine.enter(cluster))


def _program(cluster: Cluster, name: str, port: int, *, writable: bool) -> Program:
    storage = cluster.cache / "mirror"
    storage.mkdir(parents=True, exist_ok=True)
    content = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": {"readonly": {"enabled": not writable}, "uploadpurging": {"enabled": False}},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    config = write(cluster.config / f"{name}.json", json.dumps(content, indent=1))
    return Program(name=name, argv=("docker-registry", "serve", str(config)), files=(config,))


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredImage:
    """An image in the mirror. digest: of its manifest; identity: of its configuration, which builders know it by."""

    digest: str
    identity: str


def repository(cluster: Cluster, public_name: str) -> str:
    """Return where the mirror keeps a public image, such as docker.io/library/python:3.11-slim-bookworm."""
    return f"{cluster.ident}/{public_name}"


def image(cluster: Cluster, name: str, tag: str) -> MirroredImage | None:
    """Return what a tag of the mirror names; None if there is no such tag."""
    answer = _call(cluster, "GET", f"/v2/{name}/manifests/{tag}", accept=MANIFEST_TYPES)
    if answer is None:
        return None
    with answer:
        manifest = json.load(answer)
        return MirroredImage(digest=answer.headers["Docker-Content-Digest"], identity=manifest["config"]["digest"])


def push_blob(cluster: Cluster, repository: str, content: bytes, content_digest: str) -> None:
    """Upload one blob in one piece."""
    with _must(cluster, "POST", f"/v2/{repository}/blobs/uploads/", body=b"") as answer:
        location = answer.headers["Location"]
    mark = "&" if "?" in location else "?"
    path = f"{location}{mark}digest={content_digest}"
    _must(cluster, "PUT", path, body=content, kind="application/octet-stream").close()


def push_manifest(cluster: Cluster, repository: str, tag: str, manifest: dict[str, Any]) -> None:
    """Upload an image manifest whose blobs are there already."""
    body = json.dumps(manifest, sort_keys=True).encode()
    _must(cluster, "PUT", f"/v2/{repository}/manifests/{tag}", body=body, kind=manifest["mediaType"]).close()


def _must(cluster: Cluster, method: str, path: str, **more: Any) -> Any:
    answer = _call(cluster, method, path, **more)
    if answer is None:
        raise ClusterError(f"mirror registry: {method} {path}: not found", fix=f"read {cluster.logs}/mirror.log")
    return answer


def _call(
    cluster: Cluster,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    kind: str = "application/octet-stream",
    accept: tuple[str, ...] = ("*/*",),
) -> Any:
    url = path if path.startswith("http://") else f"http://{cluster.mirror}{path}"
    request = urllib.request.Request(url, data=body, method=method)  # noqa: S310 - always http to our loopback
    request.add_header("Accept", ", ".join(accept))
    if body is not None:
        request.add_header("Content-Type", kind)
    # The environment's proxy is for the outside.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(request, timeout=HTTP_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return None
        text = error.read().decode(errors="replace")[:500]
        raise ClusterError(
            f"mirror registry: {method} {path}: {error.code} {text}", fix=f"read {cluster.logs}/mirror.log"
        ) from error


def _taken(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
