"""Kubernetes Events, on a real API server."""

from __future__ import annotations

import logging

import pytest

from modelyard.apiserver import ApiServer
from modelyard.cluster import Cluster, collection
from modelyard.events import tell
from modelyard.reasons import Reason
from modelyard.state.plan import Event
from tests.modelyard.objects import model

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("api_server")]

BUILT = Event(warning=False, reason=Reason.BUILT, message="OpenVINO BF16 in 41 s")
LOST = Event(warning=True, reason=Reason.POD_LOST, message="the pod was evicted")


async def told(api: ApiServer, namespace: str) -> list[tuple[str, str, str, int, str]]:
    found = await api.request("GET", collection("Event", namespace))
    return sorted(
        (e["type"], e["reason"], e["message"], e["count"], e["involvedObject"]["name"]) for e in found["items"]
    )


async def test_a_transition_is_told_once_and_then_counted(cluster: Cluster, api: ApiServer, namespace: str) -> None:
    about = await cluster.create(model(namespace))
    await tell(cluster, about, (BUILT, LOST))
    await cluster.write_status(about, {"phase": "Degraded"})
    later = await cluster.get("OptimizedModel", namespace, "minilm")
    assert later is not None
    await tell(cluster, later, (LOST,))
    assert await told(api, namespace) == [
        ("Normal", "Built", "OpenVINO BF16 in 41 s", 1, "minilm"),
        ("Warning", "PodLost", "the pod was evicted", 2, "minilm"),
    ]


async def test_a_pass_that_was_cut_off_before_its_status_tells_nothing_twice(
    cluster: Cluster, api: ApiServer, namespace: str
) -> None:
    about = await cluster.create(model(namespace))
    for _ in range(3):
        await tell(cluster, about, (BUILT,))
    assert [count for *_, count, _ in await told(api, namespace)] == [1]


async def test_two_objects_events_are_apart(cluster: Cluster, api: ApiServer, namespace: str) -> None:
    for name in ("one", "two"):
        await tell(cluster, await cluster.create(model(namespace, name)), (BUILT,))
    assert [(name, count) for *_, count, name in await told(api, namespace)] == [("one", 1), ("two", 1)]


async def test_a_long_message_is_cut_to_what_the_api_server_takes(
    cluster: Cluster, api: ApiServer, namespace: str
) -> None:
    about = await cluster.create(model(namespace))
    await tell(cluster, about, (Event(warning=True, reason=Reason.CONVERSION_FAILED, message="x" * 5000),))
    assert [len(message) for _, _, message, *_ in await told(api, namespace)] == [1024]


async def test_an_event_that_cannot_be_posted_ends_no_pass(
    cluster: Cluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    about = await cluster.create(model(namespace))
    about["metadata"]["namespace"] = "nowhere"
    with caplog.at_level(logging.WARNING):
        await tell(cluster, about, (BUILT,))
    assert "event not posted" in caplog.text
