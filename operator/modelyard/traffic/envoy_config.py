"""Envoy's configuration, as data: bootstrap, listeners, routes, clusters. Pure.

A model's proxy reads four files from its ConfigMap and watches three of them: ``bootstrap.json`` names the others,
``lds.json``, ``cds.json`` and ``rds.json`` follow the roll-out. The listeners for HTTP and gRPC share one route
configuration, so one hash tells what a proxy serves over both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.naming import digest
from modelyard.routes import Routes
from modelyard.traffic.clusters import cluster_resources
from modelyard.traffic.listeners import listener_resources
from modelyard.traffic.overload import connection_limit
from modelyard.traffic.paths import CONFIG_PATH, GRPC_PORT, HTTP_PORT, SERVER_READY_FRAME, ready_grpc_path, ready_path
from modelyard.traffic.upstream import Json
from modelyard.traffic.virtual_host import route_configuration
from modelyard.traffic.waiting import internal_listeners

ADMIN_PORT = 9901
"""On 127.0.0.1 only."""
CONFIG_FOLDER = "/etc/modelyard"
BOOTSTRAP_FILE = "bootstrap.json"
LISTENERS_FILE = "lds.json"
ROUTES_FILE = "rds.json"
CLUSTERS_FILE = "cds.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """Everything that one model's proxy needs to know. ``cluster_domain`` ends every Service's full name.

    ``edition`` tells one write from another with the same routes: that a proxy has loaded this one can be seen.
    """

    model: str
    namespace: str
    model_name: str
    routes: Routes
    cluster_domain: str = "cluster.local"
    edition: str = ""


def envoy_files(config: ProxyConfig, folder: str = CONFIG_FOLDER) -> Mapping[str, str]:
    """Return the ConfigMap's data by file name. ``folder`` is where Envoy finds it."""
    version = routes_hash(config)
    return {
        BOOTSTRAP_FILE: _pretty(bootstrap(config.model, folder)),
        LISTENERS_FILE: _pretty(_discovery(_listeners(config, folder), version)),
        ROUTES_FILE: _pretty(_discovery([_routes(config, version)], version)),
        CLUSTERS_FILE: _pretty(_discovery(_clusters(config), version)),
    }


def routes_hash(config: ProxyConfig) -> str:
    """Return what ``CONFIG_PATH`` answers once these routes are served: 16 hex digits over all that follows them."""
    return digest([_routes(config, ""), _clusters(config), _listeners(config, CONFIG_FOLDER), config.edition])[:16]


def bootstrap(name: str, folder: str = CONFIG_FOLDER) -> Json:
    """Return what Envoy starts with: where its files are, and an admin endpoint that only the pod itself reaches."""
    return {
        "node": {"id": name, "cluster": name},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": ADMIN_PORT}}},
        "dynamic_resources": {
            "cds_config": watched_file(f"{folder}/{CLUSTERS_FILE}", folder),
            "lds_config": watched_file(f"{folder}/{LISTENERS_FILE}", folder),
        },
        "bootstrap_extensions": [internal_listeners()],
        "overload_manager": connection_limit(),
    }


def watched_file(path: str, folder: str) -> Json:
    """Return a file as a source of configuration. The kubelet replaces a ConfigMap by renaming a link in ``folder``."""
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": path, "watched_directory": {"path": folder}},
    }


def _routes(config: ProxyConfig, version: str) -> Json:
    return route_configuration(config.model_name, config.routes, version)


def _clusters(config: ProxyConfig) -> list[Json]:
    return [
        resource
        for revision in config.routes.clusters
        for resource in cluster_resources(config.model, revision, config.namespace, config.cluster_domain)
    ]


def _listeners(config: ProxyConfig, folder: str) -> list[Json]:
    return listener_resources(f"{folder}/{ROUTES_FILE}", folder, config.routes.clusters)


def _discovery(resources: list[Json], version: str) -> Json:
    """Return a DiscoveryResponse, as filesystem xDS reads it."""
    return {"version_info": version, "resources": resources}


def _pretty(value: Json) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


__all__ = [
    "ADMIN_PORT",
    "BOOTSTRAP_FILE",
    "CLUSTERS_FILE",
    "CONFIG_FOLDER",
    "CONFIG_PATH",
    "GRPC_PORT",
    "HTTP_PORT",
    "LISTENERS_FILE",
    "ROUTES_FILE",
    "SERVER_READY_FRAME",
    "ProxyConfig",
    "bootstrap",
    "envoy_files",
    "ready_grpc_path",
    "ready_path",
    "routes_hash",
    "watched_file",
]
