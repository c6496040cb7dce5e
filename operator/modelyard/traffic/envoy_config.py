"""Envoy's configuration, as data: bootstrap, listeners with routes, clusters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.state import Manifest, Routes

HTTP_PORT = 8000
GRPC_PORT = 8001
ADMIN_PORT = 9901  # on 127.0.0.1
CONFIG_PATH = "/modelyard/config"
SERVER_READY_FRAME = b"\x00\x00\x00\x00\x00"
"""Body of a gRPC request without fields: what ``ready_grpc_path`` is asked with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """Everything that one Envoy needs to know."""

    model: str
    namespace: str
    model_name: str
    routes: Routes


def ready_path(revision: str) -> str:
    """Return the own path on port 8000 that answers GET with 200 where the revision's HTTP is healthy here."""
    return f"/modelyard/revisions/{revision}/ready"


def ready_grpc_path(revision: str) -> str:
    """Return the own path on port 8000 that answers a POST of SERVER_READY_FRAME with 200 where its gRPC is.

    Headers: ``content-type: application/grpc``, ``te: trailers``.
    """
    return f"/modelyard/revisions/{revision}/ready-grpc"


def envoy_files(config: ProxyConfig) -> Mapping[str, str]:
    """Return the ConfigMap's data: ``bootstrap.json``, ``lds.json``, ``cds.json``."""
    raise NotImplementedError


def routes_hash(config: ProxyConfig) -> str:
    """Return the hash that ``CONFIG_PATH`` answers once this configuration is served."""
    raise NotImplementedError


def bootstrap() -> Manifest:
    """Return the part that never changes: admin, filesystem xDS."""
    raise NotImplementedError
