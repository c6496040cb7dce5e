"""Envoy's two listeners, and those inside it at which requests wait.

The two never change: what they serve is in the route configuration that they name.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.traffic.clusters import grpc_cluster, http_cluster
from modelyard.traffic.paths import GRPC_PORT, HTTP_PORT
from modelyard.traffic.upstream import Json
from modelyard.traffic.waiting import waiting_listener

ROUTE_CONFIGURATION = "modelyard"

_LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"


def listener_resources(routes_file: str, folder: str, revisions: Iterable[str]) -> list[Json]:
    """Return both listeners, and two for each revision inside Envoy.

    Each of the two takes HTTP/1.1, HTTP/2 and gRPC: the ports differ for clients' sake.
    """
    ports = (("http", HTTP_PORT), ("grpc", GRPC_PORT))
    return [_listener(name, port, routes_file, folder) for name, port in ports] + [
        waiting_listener(cluster)
        for revision in revisions
        for cluster in (http_cluster(revision), grpc_cluster(revision))
    ]


def _listener(name: str, port: int, routes_file: str, folder: str) -> Json:
    manager = {
        "@type": f"type.googleapis.com/{_MANAGER}",
        "stat_prefix": name,
        "codec_type": "AUTO",
        "rds": {
            "route_config_name": ROUTE_CONFIGURATION,
            "config_source": {
                "resource_api_version": "V3",
                "path_config_source": {"path": routes_file, "watched_directory": {"path": folder}},
            },
        },
        # A closed path must not open by another spelling.
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": "300s",
        "request_headers_timeout": "30s",
        "http_filters": http_filters(),
    }
    return {
        "@type": _LISTENER,
        "name": name,
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},  # noqa: S104 - a pod's own network
        "per_connection_buffer_limit_bytes": 1024 * 1024,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def http_filters() -> list[Json]:
    """Return: count gRPC by method, say which revision answered, route."""
    return [
        {
            "name": "envoy.filters.http.grpc_stats",
            "typed_config": {
                "@type": f"{_FILTERS}.grpc_stats.v3.FilterConfig",
                "stats_for_all_methods": True,
                "enable_upstream_stats": True,
            },
        },
        {
            "name": "envoy.filters.http.header_mutation",
            "typed_config": {"@type": f"{_FILTERS}.header_mutation.v3.HeaderMutation"},
        },
        {
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": f"{_FILTERS}.router.v3.Router", "suppress_envoy_headers": True},
        },
    ]
