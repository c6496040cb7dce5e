"""What Kopf watches. Handlers decide nothing: an event only wakes keys.

``on.event`` alone: no finalizers, no progress kept in objects, no timers, no daemons.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import kopf

from modelyard.apiserver import Login
from modelyard.keys import Body, Key, outcome, owner_of_child, owners_of_build, told, wish
from modelyard.naming import BUILD_KIND, GROUP, MANAGED_BY, MANAGED_BY_LABEL, MODEL_KIND, VERSION
from modelyard.telemetry import METRICS

Wake = Callable[[Key], None]

CHILDREN = (
    ("", "v1", "configmaps"),
    ("", "v1", "pods"),
    ("", "v1", "services"),
    ("apps", "v1", "controllerrevisions"),
    ("apps", "v1", "deployments"),
    ("batch", "v1", "jobs"),
    ("policy", "v1", "poddisruptionbudgets"),
)
"""Kinds whose objects wake their owner. Secrets are left out: that would take the right to list them all."""

DELETED = "DELETED"


class Watch:
    """Turns events into wakes, leaving out those that change nothing that matters to the key."""

    def __init__(self, wake: Wake) -> None:
        """Wake through ``wake``."""
        self._wake = wake
        self._seen: dict[tuple[str, Key], object] = {}

    async def model(self, event: Any, **_: Any) -> None:  # noqa: ANN401 - Kopf's
        """Wake the model."""
        self._own_key(MODEL_KIND, event)

    async def build(self, event: Any, **_: Any) -> None:  # noqa: ANN401 - Kopf's event
        """Wake the build, and the models that wait for it."""
        key = self._own_key(BUILD_KIND, event)
        if self._changed(("outcome", key), event, outcome):
            for owner in owners_of_build(event["object"]):
                self._wake(owner)

    async def child(self, event: Any, **_: Any) -> None:  # noqa: ANN401 - Kopf's event
        """Wake the child's owner."""
        METRICS.count("events", kind=event["object"]["kind"])
        owner = owner_of_child(event["object"])
        if owner is not None:
            self._wake(owner)

    def _own_key(self, kind: str, event: Any) -> Key:  # noqa: ANN401 - Kopf's event
        METRICS.count("events", kind=kind)
        metadata = event["object"]["metadata"]
        key = Key(kind, metadata["namespace"], metadata["name"])
        wished = self._changed(("wish", key), event, wish)
        emptied = self._changed(("told", key), event, told) and not told(event["object"])
        if wished or emptied:
            self._wake(key)
        return key

    def _changed(self, slot: tuple[str, Key], event: Any, view: Callable[[Body], object]) -> bool:  # noqa: ANN401 - Kopf's event
        if event["type"] == DELETED:
            self._seen.pop(slot, None)
            return True
        seen = view(event["object"])
        if self._seen.get(slot) == seen:
            return False
        self._seen[slot] = seen
        return True


async def watch(wake: Wake, login: Login, namespaces: Sequence[str], stop: asyncio.Event) -> None:
    """Wake keys until ``stop`` is set, or SIGINT or SIGTERM comes, which Kopf takes for itself.

    ``namespaces`` empty: all. Kopf's own way to run would, in the end, cancel every task that was begun meanwhile,
    ours too; so its tasks are run here.
    """
    tasks = await kopf.spawn_tasks(
        registry=registry_for(wake, login),
        settings=kopf_settings(),
        identity=cast("Any", "modelyard"),  # otherwise it asks for our user's name, and a container's has none
        namespaces=namespaces,
        clusterwide=not namespaces,
        stop_flag=stop,
    )
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()


def registry_for(wake: Wake, login: Login) -> kopf.OperatorRegistry:
    """Return Kopf's registry of our handlers."""
    registry = kopf.OperatorRegistry()
    watch = Watch(wake)
    kopf.on.event(GROUP, VERSION, "optimizedmodels", registry=registry)(watch.model)
    kopf.on.event(GROUP, VERSION, "modelbuilds", registry=registry)(watch.build)
    for group, version, plural in CHILDREN:
        kopf.on.event(group, version, plural, registry=registry)(watch.child)

    @kopf.on.login(registry=registry)
    def _login(**_: Any) -> kopf.ConnectionInfo:
        return login()

    return registry


def kopf_settings() -> kopf.OperatorSettings:
    """Return Kopf's settings: it watches, filtered by the server, and writes nothing."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True  # ``run`` waits for the CRDs itself
    settings.process.ultimate_exiting_timeout = None  # the kubelet's grace period does that
    for group, version, plural in CHILDREN:
        settings.watching.label_selectors[group, version, plural] = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
    return settings
