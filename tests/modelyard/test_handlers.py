"""What Kopf tells us of a real API server's objects, and what it leaves alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from modelyard.apiserver import ApiServer, Login
from modelyard.cluster import Cluster, collection
from modelyard.handlers import watch
from modelyard.keys import Key
from modelyard.state.objects import ObjectRef
from tests.modelyard.objects import config_map, model, owner, pod
from tests.modelyard.waiting import background, until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("api_server")]

OURS = {"app.kubernetes.io/managed-by": "modelyard"}


class Woken(Counter[Key]):
    """How often each key was woken."""

    def __call__(self, key: Key) -> None:
        self[key] += 1


@pytest.fixture
async def woken(namespace: str, login: Login) -> AsyncIterator[Woken]:
    """Kopf watches ``namespace``; it has seen what was there."""
    woken = Woken()
    async with background(watch(woken, login, [namespace], asyncio.Event())):
        yield woken


@pytest.fixture
def key(namespace: str) -> Key:
    return Key("OptimizedModel", namespace, "minilm")


async def quiet(woken: Woken, seconds: float = 0.6) -> None:
    """Return once nothing was woken for a while."""
    before = None
    while before != woken.total():
        before = woken.total()
        await asyncio.sleep(seconds)


async def test_a_new_spec_wakes_a_model_and_our_status_does_not(
    woken: Woken, cluster: Cluster, key: Key, namespace: str
) -> None:
    posted = await cluster.create(model(namespace))
    await until(lambda: woken[key] == 1)
    await cluster.write_status(posted, {"phase": "Progressing"})
    await quiet(woken)
    assert woken[key] == 1
    await cluster.patch("OptimizedModel", namespace, "minilm", {"spec": {"suspend": True}})
    await until(lambda: woken[key] == 2)


async def test_a_command_wakes_a_model_and_other_annotations_do_not(
    woken: Woken, cluster: Cluster, key: Key, namespace: str
) -> None:
    posted = await cluster.create(model(namespace))
    await until(lambda: woken[key] == 1)
    await cluster.annotate(ObjectRef.of(posted), {"example.com/note": "hello"})
    await quiet(woken)
    assert woken[key] == 1
    await cluster.annotate(ObjectRef.of(posted), {"modelyard.dev/command": "retry 1 1"})
    await until(lambda: woken[key] == 2)


async def test_a_child_wakes_its_owner_when_it_appears_changes_and_goes(
    woken: Woken, cluster: Cluster, key: Key, namespace: str
) -> None:
    labels = OURS | {"modelyard.dev/model": "minilm"}
    posted = await cluster.create(config_map(namespace, labels=labels))
    await until(lambda: woken[key] == 1)
    await cluster.annotate(ObjectRef.of(posted), {"a": "1"})
    await until(lambda: woken[key] == 2)
    now = await cluster.get("ConfigMap", namespace, "thing")
    assert now is not None
    await cluster.delete(ObjectRef.of(now))
    await until(lambda: woken[key] == 3)


async def test_what_is_not_ours_is_not_even_sent(woken: Woken, cluster: Cluster, namespace: str) -> None:
    await cluster.create(pod(namespace, labels={"modelyard.dev/model": "minilm"}))  # without the managed-by label
    await cluster.create(pod(namespace, "ours", labels=OURS | {"modelyard.dev/build": "0123"}))
    await until(lambda: woken[Key("ModelBuild", namespace, "0123")] == 1)
    await quiet(woken)
    assert woken == {Key("ModelBuild", namespace, "0123"): 1}


async def test_a_builds_progress_wakes_its_models_and_not_itself(
    woken: Woken, cluster: Cluster, key: Key, namespace: str
) -> None:
    parent = await cluster.create(model(namespace))
    build = await cluster.create(a_build(namespace, [owner(parent)]))
    own = Key("ModelBuild", namespace, "0" * 16)
    await until(lambda: woken[own] == 1 and woken[key] == 2)
    await cluster.write_status(build, {"phase": "Running", "step": "fetch"})
    await until(lambda: woken[key] == 3)
    await quiet(woken)
    assert woken[own] == 1
    now = await cluster.get("ModelBuild", namespace, "0" * 16)
    assert now is not None
    await cluster.delete(ObjectRef.of(now))
    await until(lambda: woken[key] == 4 and woken[own] == 2)


async def test_nothing_is_written_into_what_is_watched(
    woken: Woken, cluster: Cluster, api: ApiServer, key: Key, namespace: str
) -> None:
    posted = await cluster.create(model(namespace))
    await until(lambda: woken[key] == 1)
    await quiet(woken)
    now = await cluster.get("OptimizedModel", namespace, "minilm")
    assert now is not None
    assert ObjectRef.of(now) == ObjectRef.of(posted)  # no finalizer, no progress, no annotation
    events = await api.request("GET", collection("Event", namespace))
    assert events["items"] == []


def a_build(namespace: str, owners: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a ModelBuild."""
    return {
        "apiVersion": "modelyard.dev/v1alpha1",
        "kind": "ModelBuild",
        "metadata": {"name": "0" * 16, "namespace": namespace, "ownerReferences": owners},
        "spec": {
            "key": "0" * 64,
            "source": {"pvc": {"claimName": "models"}},
            "candidates": [{"engine": "OnnxRuntime", "precision": "FP32"}],
            "images": {"runtime": "r:1", "triton": "t:1"},
            "destination": {"repository": "registry:5001/x/y", "tag": "0" * 16},
        },
    }
