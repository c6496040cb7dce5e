"""Envoy's clusters: two for each revision, HTTP and gRPC, found through its headless Service.

Named by revision, never by role: a roll-out only changes who is named in the routes.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from modelyard.naming import revision_object_name
from modelyard.traffic.paths import GRPC_PORT, HTTP_PORT

Json: TypeAlias = dict[str, Any]

_CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_LIMIT = 8192


def http_cluster(revision: str) -> str:
    """Return the name of a revision's HTTP cluster."""
    return f"{revision}-http"


def grpc_cluster(revision: str) -> str:
    """Return the name of a revision's gRPC cluster."""
    return f"{revision}-grpc"


def cluster_resources(model: str, revision: str, namespace: str, cluster_domain: str) -> list[Json]:
    """Return both clusters of a revision."""
    # Absolute, with its final dot: an unready Service has no name, and the search list would then ask the whole
    # world for it, which in a cluster without a way out takes seconds each time.
    host = f"{revision_object_name(model, revision)}.{namespace}.svc.{cluster_domain}."
    return [
        _cluster(http_cluster(revision), host, HTTP_PORT, {"http_protocol_options": {}}),
        _cluster(grpc_cluster(revision), host, GRPC_PORT, {"http2_protocol_options": {}}),
    ]


def _cluster(name: str, host: str, port: int, protocol: Json) -> Json:
    address = {"socket_address": {"address": host, "port_value": port}}
    # Both are asked on the HTTP port: readiness is the server's, not a protocol's.
    endpoint = {"address": address, "health_check_config": {"port_value": HTTP_PORT}}
    return {
        "@type": _CLUSTER,
        "name": name,
        "cluster_type": _found_by_dns(),
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [_health_check()],
        # A pod that is being drained still answers its checks: out of DNS is out of the cluster.
        "ignore_health_on_host_removal": True,
        "outlier_detection": _outlier_detection(),
        "circuit_breakers": {"thresholds": [_threshold()]},
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: {
                "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
                # One idle connection would hold a stopping server for its whole time-out.
                "common_http_protocol_options": {"idle_timeout": "1s"},
                "explicit_http_config": protocol,
            }
        },
    }


def _found_by_dns() -> Json:
    """Return: every address of the name is a host, asked for again each second (formerly the type STRICT_DNS)."""
    return {
        "name": "envoy.clusters.dns",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster",
            "dns_refresh_rate": "1s",
            "dns_failure_refresh_rate": {"base_interval": "1s", "max_interval": "1s"},
            "dns_lookup_family": "V4_PREFERRED",
        },
    }


def _health_check() -> Json:
    """Return the question of readiness, on a connection of its own: Triton resets new ones first when it stops."""
    return {
        "timeout": "3s",
        "interval": "2s",
        "no_traffic_interval": "2s",
        "no_traffic_healthy_interval": "2s",
        "unhealthy_interval": "1s",
        "unhealthy_edge_interval": "1s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "reuse_connection": False,
        "http_health_check": {"path": "/v2/health/ready", "codec_client_type": "HTTP1"},
    }


def _outlier_detection() -> Json:
    """Return: a pod that can't be connected to is left out for a while; one that answers 503 is only busy."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 2,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "5s",
        "max_ejection_percent": 50,  # the last pod stays: with none left every request fails for certain
        "successful_active_health_check_uneject_host": False,
    }


def _threshold() -> Json:
    return {
        "max_connections": _LIMIT,
        "max_pending_requests": _LIMIT,
        "max_requests": _LIMIT,
        "max_retries": 256,
    }
