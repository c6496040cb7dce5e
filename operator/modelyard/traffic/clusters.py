"""Envoy's clusters of a revision, for HTTP and for gRPC: its ready pods first, then waiting for one.

Named by revision, never by role: a roll-out only changes who is named in the routes.
"""

from __future__ import annotations

from modelyard.naming import revision_fallback_name, revision_object_name
from modelyard.traffic.paths import GRPC_PORT, HEALTH_PORT, HTTP_PORT, server_ready_path
from modelyard.traffic.upstream import CLUSTER, Json, endpoints, found_by_dns, http_options, limits, socket_address
from modelyard.traffic.waiting import waiting_cluster, waiting_resources


def http_cluster(revision: str) -> str:
    """Return the name of the cluster that a revision's HTTP requests are routed to."""
    return f"{revision}-http"


def grpc_cluster(revision: str) -> str:
    """Return the name of the cluster that a revision's gRPC requests are routed to."""
    return f"{revision}-grpc"


def pods_cluster(cluster: str) -> str:
    """Return the name of the cluster of the ready pods alone."""
    return f"{cluster}-pods"


def cluster_resources(model: str, revision: str, namespace: str, cluster_domain: str) -> list[Json]:
    """Return all clusters of a revision."""
    # Absolute, with its final dot: an unready Service has no name, and the search list would then ask the whole
    # world for it, which in a cluster without a way out takes seconds each time.
    domain = f"{namespace}.svc.{cluster_domain}."
    pods = f"{revision_object_name(model, revision)}.{domain}"
    service = f"{revision_fallback_name(model, revision)}.{domain}"
    check = _health_check(server_ready_path(revision))
    return [
        *_of_protocol(http_cluster(revision), pods, service, HTTP_PORT, check=check, http2=False),
        *_of_protocol(grpc_cluster(revision), pods, service, GRPC_PORT, check=check, http2=True),
    ]


def _of_protocol(name: str, pods: str, service: str, port: int, *, check: Json, http2: bool) -> list[Json]:
    return [
        _in_order(name, (pods_cluster(name), waiting_cluster(name)), http2=http2),
        _ready_pods(pods_cluster(name), pods, port, check=check, http2=http2),
        *waiting_resources(name, service, port, http2=http2),
    ]


def _in_order(name: str, clusters: tuple[str, ...], *, http2: bool) -> Json:
    """Return: the first of these clusters that has a healthy host."""
    return {
        "@type": CLUSTER,
        "name": name,
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig",
                "clusters": list(clusters),
            },
        },
        "connect_timeout": "1s",
        "lb_policy": "CLUSTER_PROVIDED",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": limits(),
        "typed_extension_protocol_options": http_options(http2=http2),
    }


def _ready_pods(name: str, host: str, port: int, *, check: Json, http2: bool) -> Json:
    endpoint = {"address": socket_address(host, port), "health_check_config": {"port_value": HEALTH_PORT}}
    return {
        "@type": CLUSTER,
        "name": name,
        "cluster_type": found_by_dns(),
        "connect_timeout": "1s",
        # One healthy pod of many takes everything: what waits is for none.
        "load_assignment": endpoints(name, endpoint) | {"policy": {"overprovisioning_factor": 100_000}},
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [check],
        "ignore_health_on_host_removal": True,
        "outlier_detection": _outlier_detection(),
        "circuit_breakers": limits(),
        "typed_extension_protocol_options": http_options(http2=http2),
    }


def _health_check(path: str) -> Json:
    """Return the question of readiness. The first "no" counts: whoever is asked to stop is left within two seconds.

    DNS can't tell as fast: its answers may be half a minute old, longer than a server drains.
    """
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
        "http_health_check": {"path": path, "codec_client_type": "HTTP1"},
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
        "max_ejection_percent": 100,  # with none left a request waits
        "successful_active_health_check_uneject_host": False,
    }
