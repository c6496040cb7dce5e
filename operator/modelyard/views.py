"""From the API server's JSON to the planner's views. Pure: the shell lists, these read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from modelyard.state import (
    BuildDesired,
    BuildObserved,
    BuildView,
    Defaults,
    Desired,
    Manifest,
    ObjectRef,
    Observed,
    PodView,
    ProxyReplica,
    Record,
)


def desired_from(model: Manifest, defaults: Defaults) -> Desired:
    """Return an OptimizedModel as the planner wants it."""
    raise NotImplementedError


def observed_from(
    model: Manifest,
    children: Iterable[Manifest],
    builds: Iterable[Manifest],
    replicas: Iterable[ProxyReplica],
    now: datetime,
) -> Observed:
    """Return the world of one model.

    children: ControllerRevisions, Deployments, Services, ConfigMaps, PodDisruptionBudgets and Pods with the label
    ``modelyard.dev/model=<name>``, each with ``apiVersion`` and ``kind``; builds: every ModelBuild of the namespace
    that the model owns or whose name is one of ``wanted_builds``; replicas: what the proxies answered.
    """
    raise NotImplementedError


def build_desired_from(build: Manifest, defaults: Defaults, push_config: str | None) -> BuildDesired:
    """Return a ModelBuild as the planner wants it."""
    raise NotImplementedError


def build_observed_from(build: Manifest, children: Iterable[Manifest], now: datetime) -> BuildObserved:
    """Return the world of one build. children: ConfigMaps, Secrets, Jobs and Pods with ``modelyard.dev/build=<name>``."""
    raise NotImplementedError


def object_ref(manifest: Manifest) -> ObjectRef:
    """Return where an object is and which version of it this is."""
    raise NotImplementedError


def pod_view(pod: Manifest, container: str) -> PodView:
    """Return a pod, with the last words of ``container``."""
    raise NotImplementedError


def build_view(build: Manifest, owner_uid: str) -> BuildView:
    """Return a ModelBuild as the model of ``owner_uid`` sees it."""
    raise NotImplementedError


def record_from(revision: Manifest) -> Record:
    """Return a ControllerRevision's snapshot and what was said about it. Raises SnapshotUnreadable."""
    raise NotImplementedError


def proxy_pods(children: Iterable[Manifest]) -> tuple[PodView, ...]:
    """Return the proxy's pods that have an IP and aren't terminating: those to be asked for their routes."""
    raise NotImplementedError
