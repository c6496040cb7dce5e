"""Somebody changes what a model is made of, with kubectl: it is put back at once, told, and no request is lost."""

from __future__ import annotations

import json

import pytest

from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder
from examples.demo.sentences import SENTENCES
from modelyard.naming import ROUTES_ANNOTATION, proxy_name
from tests.e2e.answers import assert_clean, under_load
from tests.e2e.client import RATE, steady_load
from tests.e2e.episodes import MODEL, stable
from tests.e2e.kit import BuiltAlready, MakeYard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

SERVER, PROXY, CONFIG, FALLBACK = (
    "deployment/{model}-{revision}",
    f"deployment/{proxy_name(MODEL)}",
    f"configmap/{proxy_name(MODEL)}",
    "service/{model}-{revision}-fallback",
)
NOTHING = '{"spec": {"selector": {"app": "nothing"}}}'
STRATEGY = '{"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}'
NO_ROUTES = '{"data": {"rds.json": "{\\"resources\\": []}"}}'
PATCHES = (NOTHING, STRATEGY, NO_ROUTES)

CHANGES = {
    "the server's image": (SERVER, ("set", "image", SERVER, "triton=ghcr.io/modelyard/triton:absent")),
    "the server's environment": (SERVER, ("set", "env", SERVER, "THEIRS=1")),
    "the proxy's image": (PROXY, ("set", "image", PROXY, "envoy=docker.io/envoyproxy/envoy:absent")),
    "a revision's Service": (FALLBACK, ("patch", FALLBACK, "--patch", NOTHING)),
    "the server's strategy": (SERVER, ("patch", SERVER, "--patch", STRATEGY)),
    "the proxy's configuration": (CONFIG, ("patch", CONFIG, "--patch", NO_ROUTES)),
}


@pytest.fixture(scope="module")
def served(make_yard: MakeYard, tiny_source: Object, built_already: BuiltAlready) -> Yard:
    """A namespace in which a model is served."""
    yard = make_yard("meddling")
    built_already(yard)
    yard.submit(MODEL, tiny_source)
    yard.healthy(MODEL)
    return yard


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_is_put_back_and_no_request_is_lost(served: Yard, tiny: SentenceEncoder, change: str) -> None:
    revision = stable(served)
    names = {"model": MODEL, "revision": revision}
    what, command = CHANGES[change]
    kind, _, name = what.format(**names).partition("/")
    before = asked(served, kind, name)
    with under_load(served, MODEL, tiny) as load:
        served.cluster.run(*(word if word in PATCHES else word.format(**names) for word in command))
        put_back(served, kind, name, before)
        served.healthy(MODEL)
    assert_clean(load, tiny, revision)
    assert stable(served) == revision


def test_the_public_service_finds_the_proxy_again(served: Yard, tiny: SentenceEncoder) -> None:
    """While it leads nowhere new connections are refused: that is what was asked for."""
    before = asked(served, "service", MODEL)
    served.cluster.run("patch", "service", MODEL, "--patch", NOTHING)
    put_back(served, "service", MODEL, before)
    revision = stable(served)
    with steady_load(served.address(MODEL), MODEL, [tiny.tokens(SENTENCES[0])], most_seconds=60) as load:
        wait_for(lambda: load.answered(revision) >= RATE, seconds=50, what="answered", cluster=served.cluster)


def put_back(yard: Yard, kind: str, name: str, before: Object) -> None:
    """Wait until the object asks for what it did, and hold that it was told."""
    wait_for(lambda: asked(yard, kind, name) == before, seconds=30, what="put back", cluster=yard.cluster)
    told = [event["message"] for event in yard.events(MODEL) if event["reason"] == "Restored"]
    assert [message for message in told if f" {name} was changed by kubectl" in message], told


def asked(yard: Yard, kind: str, name: str) -> Object:
    """Return what an object asks for; of a proxy's configuration which files there are, and to whom requests go.

    Written anew, it is told from what it was.
    """
    found = yard.cluster.get(kind, name)
    if found is None:  # it is being made anew
        return {}
    if kind == "configmap":
        said = json.loads(found["metadata"]["annotations"][ROUTES_ANNOTATION])
        return {
            "files": sorted(found["data"]),
            "weights": said["weights"],
            "whole": said["hash"] in found["data"]["rds.json"],
        }
    spec: Object = found["spec"]
    return spec
