"""The route configuration: a proxy's own paths, the open paths by weight, and nothing else."""

from __future__ import annotations

from modelyard.routes import WHOLE, Routes
from modelyard.traffic.clusters import grpc_cluster, http_cluster, pods_cluster
from modelyard.traffic.listeners import ROUTE_CONFIGURATION
from modelyard.traffic.paths import (
    CONFIG_PATH,
    GRPC_SERVICE,
    SERVER_PATHS,
    grpc_paths,
    model_paths,
    ready_grpc_path,
    ready_path,
)
from modelyard.traffic.upstream import Json

REVISION_HEADER = "x-modelyard-revision"

_ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
_MUTATION = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute"
_ANSWER_SECONDS = 300
_KEPT_BYTES = 16 << 20
"""Of a request, so that it can be asked again: a million tokens. A larger one is asked once."""


def route_configuration(model_name: str, routes: Routes, version: str) -> Json:
    """Return everything that both listeners serve. ``version`` is what ``CONFIG_PATH`` answers."""
    own = [_text({"path": CONFIG_PATH}, 200, version)]
    for revision in routes.clusters:
        http, grpc = pods_cluster(http_cluster(revision)), pods_cluster(grpc_cluster(revision))
        own.append(_check({"path": ready_path(revision)}, http, "/v2/health/ready"))
        own.append(_check({"path": ready_grpc_path(revision)}, grpc, f"{GRPC_SERVICE}/ServerReady"))
    closed = f"closed: this proxy serves /v2, /v2/health and /v2/models/{model_name} (infer, ready, metadata)\n"
    host = {
        "name": "model",
        "domains": ["*"],
        "routes": [*own, *_open(model_name, routes), _text({"prefix": "/"}, 404, closed)],
    }
    return {"@type": _ROUTES, "name": ROUTE_CONFIGURATION, "virtual_hosts": [host]}


def _open(model_name: str, routes: Routes) -> list[Json]:
    """Return the routes that clients use."""
    http = [{"path": path} for path in SERVER_PATHS] + [{"safe_regex": {"regex": model_paths(model_name)}}]
    grpc = [{"path": path} for path in grpc_paths()]
    if not routes.weights:
        return [_text(match, 503, f"no revision of {model_name} serves yet\n") for match in http + grpc]
    return [_weighted(match, routes, grpc=False) for match in http] + [
        _weighted(match, routes, grpc=True) for match in grpc
    ]


def _weighted(match: Json, routes: Routes, *, grpc: bool) -> Json:
    """Return a route that splits by weight."""
    cluster = grpc_cluster if grpc else http_cluster
    shares: list[Json] = [
        {
            "name": cluster(revision),
            "weight": weight,
            "typed_per_filter_config": {"envoy.filters.http.header_mutation": _says_revision(revision)},
        }
        for revision, weight in sorted(routes.weights.items())
    ]
    assert sum(share["weight"] for share in shares) == WHOLE  # noqa: S101 - Routes holds it; Envoy takes any sum
    return {
        "match": match,
        "request_body_buffer_limit": _KEPT_BYTES,
        "route": {
            "weighted_clusters": {"clusters": shares},
            "timeout": f"{_ANSWER_SECONDS}s",
            "retry_policy": _retries(),
        },
    }


def _says_revision(revision: str) -> Json:
    """Return: the reply says who answered, in its headers and, where it has trailers (gRPC), there too."""
    mutation = {
        "append": {
            "header": {"key": REVISION_HEADER, "value": revision},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
    }
    return {
        "@type": _MUTATION,
        "mutations": {"response_mutations": [mutation], "response_trailers_mutations": [mutation]},
    }


def _retries() -> Json:
    """Return: what reached no server, or was cut off by its death, is asked of another pod, then waits for one.

    Whatever a server answers is the answer, its full queue included: asking again would fill it further.
    """
    previous = "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
    return {
        "retry_on": "connect-failure,refused-stream,reset",
        "num_retries": 3,
        # Twice among the ready pods (the first of the clusters), then twice where requests wait.
        "retry_priority": {
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": {"@type": previous, "update_frequency": 2},
        },
        "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
        "host_selection_retry_max_attempts": "5",
    }


def _check(match: Json, cluster: str, path: str) -> Json:
    """Return a route that asks one cluster, past the weights."""
    return {"match": match, "route": {"cluster": cluster, "prefix_rewrite": path, "timeout": "3s"}}


def _text(match: Json, status: int, body: str) -> Json:
    """Return a route that the proxy answers itself."""
    return {
        "match": match,
        "direct_response": {"status": status, "body": {"inline_string": body}},
        "response_headers_to_add": [
            {
                "header": {"key": "content-type", "value": "text/plain; charset=utf-8"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }
