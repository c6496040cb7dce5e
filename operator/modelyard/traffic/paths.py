"""What a proxy answers: its own paths, and what is open to clients; and what it asks a server itself."""

from __future__ import annotations

import re

HTTP_PORT = 8000
GRPC_PORT = 8001

HEALTH_PORT = 8003
"""Where the server's supervisor says how it is; no client gets there."""
CONFIG_PATH = "/modelyard/config"
"""GET: the hash of the routes that are served, as text/plain."""
SERVER_READY_FRAME = b"\x00\x00\x00\x00\x00"
"""Body of a gRPC request without fields: what ``ready_grpc_path`` is asked with."""

GRPC_SERVICE = "/inference.GRPCInferenceService"
GRPC_METHODS = ("ModelInfer", "ModelReady", "ModelMetadata", "ServerLive", "ServerReady", "ServerMetadata")
SERVER_PATHS = ("/v2", "/v2/health/live", "/v2/health/ready")
MODEL_ACTIONS = ("infer", "ready")


def server_ready_path(revision: str) -> str:
    """Return what answers GET with 200 where a server of the revision welcomes requests: not once it is to stop.

    Another revision's server answers 404: a name may still lead to an address that is another pod's by now.
    """
    return f"/ready/{revision}"


def server_serving_path(revision: str) -> str:
    """Return what answers GET with 200 where a server of the revision answers requests: until its drain is over."""
    return f"/serving/{revision}"


def ready_path(revision: str) -> str:
    """Return the path that answers GET with 200 where the revision's HTTP is healthy in this proxy."""
    return f"/modelyard/revisions/{revision}/ready"


def ready_grpc_path(revision: str) -> str:
    """Return the path that answers a POST of SERVER_READY_FRAME with 200 where its gRPC is healthy in this proxy.

    Headers: ``content-type: application/grpc`` and ``te: trailers``.
    """
    return f"/modelyard/revisions/{revision}/ready-grpc"


def model_paths(model_name: str) -> str:
    """Return the regular expression (RE2, matching whole paths) of a model's open paths.

    Its metadata, whether it is ready, and inference; with a version or without. Neither its configuration nor its
    statistics, nor loading and unloading.
    """
    actions = "|".join(MODEL_ACTIONS)
    return f"/v2/models/{re.escape(model_name)}(/versions/[0-9]+)?(/({actions}))?"


def grpc_paths() -> tuple[str, ...]:
    """Return the open gRPC methods as paths."""
    return tuple(f"{GRPC_SERVICE}/{method}" for method in GRPC_METHODS)
