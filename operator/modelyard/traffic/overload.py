"""What a proxy does before it has too much to do: it takes no more, instead of losing what it has."""

from __future__ import annotations

from modelyard.traffic.upstream import Json

MAX_CONNECTIONS = 8192
"""Clients at once; further ones are not accepted, instead of all of them starving."""
HEAP_SHARE = 0.75
"""Of a memory limit: what Envoy's heap may have. The rest is its code, its stacks and the kernel's buffers."""
SHRINK = 0.85
"""Of the heap: from here on what is free in it is given back, so that what was used once is not counted for ever."""
FULL = 0.95
"""Of the heap: from here on requests are refused with 503. Killed for memory it would lose all that wait."""

_MONITORS = "type.googleapis.com/envoy.extensions.resource_monitors"


def connection_limit() -> Json:
    """Return the overload manager's configuration for a proxy of any size."""
    monitor = {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": {
            "@type": f"{_MONITORS}.downstream_connections.v3.DownstreamConnectionsConfig",
            "max_active_downstream_connections": MAX_CONNECTIONS,
        },
    }
    return {"resource_monitors": [monitor]}


def memory_limit(limit_bytes: int) -> Json:
    """Return what comes on top where the proxy's memory is limited."""
    name = "envoy.resource_monitors.fixed_heap"
    monitor = {
        "name": name,
        "typed_config": {
            "@type": f"{_MONITORS}.fixed_heap.v3.FixedHeapConfig",
            "max_heap_size_bytes": int(limit_bytes * HEAP_SHARE),
        },
    }
    return {
        "resource_monitors": [monitor],
        "actions": [
            _action("shrink_heap", {"name": name, "threshold": {"value": SHRINK}}),
            _action("stop_accepting_requests", {"name": name, "threshold": {"value": FULL}}),
        ],
    }


def _action(name: str, trigger: Json) -> Json:
    return {"name": f"envoy.overload_actions.{name}", "triggers": [trigger]}
