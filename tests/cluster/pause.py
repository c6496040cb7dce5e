"""The pause image, made without any tool: one layer that holds catatonit, which waits and buries the dead."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from tests.cluster import mirror
from tests.cluster.containerd import PAUSE_IMAGE
from tests.cluster.errors import ClusterError
from tests.cluster.settings import Cluster


def ensure(cluster: Cluster) -> None:
    """Have the pause image in the mirror, under its public name."""
    program = shutil.which("catatonit")
    if program is None:
        raise ClusterError("catatonit is not installed", fix="make setup")
    layer = _layer(Path(program).read_bytes())
    config = json.dumps(_config(layer), sort_keys=True).encode()
    name, _, tag = mirror.repository(cluster, PAUSE_IMAGE).rpartition(":")
    found = mirror.image(cluster, name, tag)
    if found is None or found.identity != _digest(config):
        _push(cluster, name, tag, layer=layer, config=config)


def _config(layer: bytes) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/catatonit", "-P"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }


def _push(cluster: Cluster, name: str, tag: str, *, layer: bytes, config: bytes) -> None:
    packed = gzip.compress(layer, mtime=0)
    image = "application/vnd.oci.image"
    for blob in (packed, config):
        mirror.push_blob(cluster, name, blob, _digest(blob))
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{image}.manifest.v1+json",
        "config": {"mediaType": f"{image}.config.v1+json", "size": len(config), "digest": _digest(config)},
        "layers": [{"mediaType": f"{image}.layer.v1.tar+gzip", "size": len(packed), "digest": _digest(packed)}],
    }
    mirror.push_manifest(cluster, name, tag, manifest)


def _layer(program: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("catatonit")
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    return packed.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
