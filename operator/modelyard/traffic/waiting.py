"""Where a request waits while none of its revision's pods is ready: at a connection that is tried again and again.

The request itself is sent once. It is held by a TCP proxy inside Envoy, which connects to the revision's fallback
Service: that reaches pods that are stopping and still answer, and a new pod as soon as it is ready.
"""

from __future__ import annotations

from modelyard.traffic.upstream import CLUSTER, Json, endpoints, found_by_dns, http_options, limits, socket_address

ATTEMPTS = 600
"""Connections tried for one request, half a second apart on average: as long as its answer may take."""

_TCP_PROXY = "envoy.filters.network.tcp_proxy"


def waiting_cluster(cluster: str) -> str:
    """Return the name of the cluster, and of the listener inside Envoy, at which requests for ``cluster`` wait."""
    return f"{cluster}-waiting"


def waiting_resources(cluster: str, host: str, port: int, *, http2: bool) -> list[Json]:
    """Return the cluster that requests are routed to, and the one that is connected to: a Service, not its pods."""
    waiting, service = waiting_cluster(cluster), _service_cluster(cluster)
    inside = {"address": {"envoy_internal_address": {"server_listener_name": waiting}}}
    return [
        {
            "@type": CLUSTER,
            "name": waiting,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": endpoints(waiting, inside),
            "circuit_breakers": limits(),
            # Each request finds out anew who answers: a kept connection would stay with a pod that stops.
            "typed_extension_protocol_options": http_options(http2=http2, max_requests_per_connection=1),
        },
        {
            "@type": CLUSTER,
            "name": service,
            "cluster_type": found_by_dns(),
            "connect_timeout": "1s",
            "load_assignment": endpoints(service, {"address": socket_address(host, port)}),
            "circuit_breakers": limits(),
        },
    ]


def waiting_listener(cluster: str) -> Json:
    """Return the listener inside Envoy at which requests for ``cluster`` wait."""
    name = waiting_cluster(cluster)
    proxy = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": name,
        "cluster": _service_cluster(cluster),
        "max_connect_attempts": ATTEMPTS,
        "backoff_options": {"base_interval": "0.1s", "max_interval": "1s"},
    }
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": name,
        "internal_listener": {},
        "filter_chains": [{"filters": [{"name": _TCP_PROXY, "typed_config": proxy}]}],
    }


def internal_listeners() -> Json:
    """Return what Envoy must be started with to have listeners inside itself."""
    return {
        "name": "envoy.bootstrap.internal_listener",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener"
        },
    }


def _service_cluster(cluster: str) -> str:
    return f"{cluster}-service"
