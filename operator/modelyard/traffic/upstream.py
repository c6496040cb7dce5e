"""What Envoy's clusters have in common: how a name is resolved, how connections are kept, how many there may be."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_LIMIT = 8192


def endpoints(name: str, endpoint: Json) -> Json:
    """Return a load assignment of one endpoint."""
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]}


def socket_address(host: str, port: int) -> Json:
    """Return where to connect to."""
    return {"socket_address": {"address": host, "port_value": port}}


def found_by_dns() -> Json:
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


def http_options(*, http2: bool, **connections: Any) -> Json:
    """Return how HTTP is spoken. ``connections``: further options of every connection."""
    return {
        _HTTP_OPTIONS: {
            "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
            # One idle connection would hold a stopping server for its whole time-out.
            "common_http_protocol_options": {"idle_timeout": "1s", **connections},
            "explicit_http_config": {"http2_protocol_options" if http2 else "http_protocol_options": {}},
        }
    }


def limits() -> Json:
    """Return the circuit breakers. Requests that wait count as retries, so that as many may wait as may be asked."""
    return {
        "thresholds": [
            {
                "max_connections": _LIMIT,
                "max_pending_requests": _LIMIT,
                "max_requests": _LIMIT,
                "max_retries": _LIMIT,
            }
        ]
    }
