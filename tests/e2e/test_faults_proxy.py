"""Proxies that go and servers that are evicted, as when a node is drained: clients that never retry notice nothing."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from examples.demo.kubectl import KubectlError, Object
from examples.demo.reference import SentenceEncoder
from examples.demo.sentences import SENTENCES
from modelyard.naming import proxy_name
from tests.e2e.answers import exact_verdict, under_load
from tests.e2e.client import Load
from tests.e2e.episodes import MODEL, both_ready, stable
from tests.e2e.kit import BuiltAlready, MakeYard
from tests.e2e.questions import HEADER_LENGTH, encode
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

CLIENTS = 3
RATE = 5
"""Of each client: each has connections of its own, which kube-proxy spreads over the proxies."""


@pytest.fixture(scope="module")
def served(make_yard: MakeYard, tiny_source: Object, built_already: BuiltAlready) -> Yard:
    """A namespace in which a model is served by two pods."""
    yard = make_yard("proxies")
    built_already(yard)
    behind(yard, tiny_source, 2)
    return yard


def behind(yard: Yard, source: Object, proxies: int, **resources: Object) -> None:
    """Have two servers behind so many proxies, all of them ready and as asked for."""
    proxy = {"replicas": proxies, **({"resources": resources} if resources else {})}
    yard.submit(MODEL, source, serving={"replicas": 2}, traffic={"proxy": proxy})
    yard.healthy(MODEL)
    wait_for(
        lambda: rolled(yard, proxies) and len(ready(yard)) == proxies,
        seconds=180,
        what="so many proxies",
        cluster=yard.cluster,
    )


def rolled(yard: Yard, proxies: int) -> bool:
    """Return whether the proxies' Deployment is at rest: it has so many, all of them as it asks for now."""
    deployment = yard.cluster.get("deployment", proxy_name(MODEL))
    if deployment is None or deployment["spec"]["replicas"] != proxies:
        return False
    status = deployment["status"]
    counts = {status.get(count, 0) for count in ("replicas", "updatedReplicas", "readyReplicas")}
    return status.get("observedGeneration") == deployment["metadata"]["generation"] and counts == {proxies}


def ready(yard: Yard) -> list[Object]:
    """Return the proxies that take requests and stay."""
    pods = [pod for pod in yard.pods(component="proxy", model=MODEL) if "deletionTimestamp" not in pod["metadata"]]
    return [pod for pod in pods if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions_of(pod))]


def conditions_of(pod: Object) -> list[Object]:
    """Return a pod's conditions."""
    return list(pod["status"].get("conditions", []))


def gone(yard: Yard, *pods: Object) -> bool:
    """Return whether none of these pods is there any more."""
    left = {pod["metadata"]["uid"] for pod in yard.cluster.list("pods")}
    return not left & {pod["metadata"]["uid"] for pod in pods}


def replaced(yard: Yard, pod: Object, proxies: int) -> None:
    """Wait until this proxy is gone and there are as many as before."""
    wait_for(
        lambda: gone(yard, pod) and len(ready(yard)) == proxies,
        seconds=120,
        what="another proxy",
        cluster=yard.cluster,
    )


@contextmanager
def clients(yard: Yard, tiny: SentenceEncoder) -> Iterator[list[Load]]:
    """Keep the model under the load of several clients for the block: each answer came, and is right."""
    with ExitStack() as stack:
        loads = [stack.enter_context(under_load(yard, MODEL, tiny, rate=RATE)) for _ in range(CLIENTS)]
        yield loads
    verdicts = [exact_verdict(load, tiny, stable(yard)) for load in loads]
    assert all(verdict.right for verdict in verdicts), "\n".join(map(str, verdicts))


@pytest.mark.parametrize("proxies", [1, 2])
def test_each_proxy_in_turn_is_deleted(served: Yard, tiny_source: Object, tiny: SentenceEncoder, proxies: int) -> None:
    """In turn, so that the one that a client is connected to is among them. A single one answers until another can."""
    behind(served, tiny_source, proxies)
    with clients(served, tiny):
        for pod in ready(served):
            served.cluster.run("delete", "pod", pod["metadata"]["name"], "--wait=false")
            replaced(served, pod, proxies)


def test_proxies_are_rolled(served: Yard, tiny_source: Object, tiny: SentenceEncoder) -> None:
    """Other resources make other pods, the same for an image: one after the other."""
    behind(served, tiny_source, 2)
    before = ready(served)
    with clients(served, tiny):
        behind(served, tiny_source, 2, requests={"cpu": "21m", "memory": "48Mi"})
        wait_for(lambda: gone(served, *before), seconds=180, what="rolled", cluster=served.cluster)
    assert len(ready(served)) == 2


def test_a_connection_to_a_proxy_that_goes_is_answered_until_it_is_told_to_close(
    served: Yard, tiny_source: Object, tiny: SentenceEncoder
) -> None:
    """A client that keeps its connection finds out by a header of an answer, not by a request that is lost."""
    behind(served, tiny_source, 2)
    pod = ready(served)[0]
    ask = asking(pod["status"]["podIP"], tiny)
    assert not ask(), "it stays open"
    served.cluster.run("delete", "pod", pod["metadata"]["name"], "--wait=false")
    deadline = time.monotonic() + 20
    while not ask():
        assert time.monotonic() < deadline, "never told to close"
        time.sleep(0.1)  # the pace of a client, which the drain is to be seen at


def asking(address: str, tiny: SentenceEncoder) -> Callable[[], bool]:
    """Return what asks once on the same connection, and returns whether the answer tells to close it."""
    wire = encode(MODEL, "embedding", tiny.tokens(SENTENCES[0]))
    headers = {HEADER_LENGTH: str(wire.http_header_length), "content-type": "application/octet-stream"}
    connection = http.client.HTTPConnection(address, 8000, timeout=10)
    connection.auto_open = False  # a connection that is cut is not made anew in silence
    connection.connect()

    def ask() -> bool:
        connection.request("POST", f"/v2/models/{MODEL}/infer", body=wire.http_body, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        assert reply.status == http.client.OK, body
        return reply.will_close

    return ask


def test_one_of_two_servers_is_evicted_and_its_budget_keeps_the_other(
    served: Yard, tiny_source: Object, tiny: SentenceEncoder
) -> None:
    behind(served, tiny_source, 2)
    revision = stable(served)
    first, second = served.pods(component="triton", revision=revision)
    wait_for(lambda: may_be_disrupted(served, revision) == 1, seconds=60, what="budgeted", cluster=served.cluster)
    with clients(served, tiny) as loads:
        evict(served, first)
        with pytest.raises(KubectlError) as refused:
            evict(served, second)
        wait_for(lambda: gone(served, first) and both_ready(served), seconds=150, what="two", cluster=served.cluster)
    assert [load.resent for load in loads] == [0] * CLIENTS, "no proxy went away"
    assert "disruption budget" in refused.value.stderr
    wait_for(lambda: may_be_disrupted(served, revision) == 1, seconds=60, what="going on", cluster=served.cluster)
    assert stable(served) == revision


def evict(yard: Yard, pod: Object) -> None:
    """Ask for an eviction, as a drain of a node does. Raises KubectlError where the budget doesn't allow it."""
    metadata = {"name": pod["metadata"]["name"], "namespace": yard.name}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    path = f"/api/v1/namespaces/{yard.name}/pods/{metadata['name']}/eviction"
    yard.cluster.run("create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))


def may_be_disrupted(yard: Yard, revision: str) -> int:
    """Return how many of a revision's servers may be evicted now."""
    [budget] = yard.cluster.list("poddisruptionbudgets", f"modelyard.dev/revision={revision}")
    return int(budget.get("status", {}).get("disruptionsAllowed", 0))
