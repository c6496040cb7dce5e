"""The roll-out: one candidate goes from 0 to 100 in one verified step, and the old revision retires after a delay.

The order is the promise: cluster known -> healthy in every proxy -> weight -> verified on every proxy -> delay ->
cluster dropped -> verified -> pods stopped. Only what the proxies themselves say counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelyard.manifests.configmap import proxy_config
from modelyard.manifests.metadata import Owner
from modelyard.naming import NUDGE_ANNOTATION, VERIFIED_ANNOTATION, canonical_json
from modelyard.routes import WHOLE, Routes
from modelyard.state.observed import Observed
from modelyard.state.plan import Action, Annotate, Apply, Create, Replace
from modelyard.traffic.envoy_config import ProxyConfig, routes_hash

LOOK_SOONEST, LOOK_LATEST = timedelta(seconds=1), timedelta(seconds=15)
NUDGE_AGAIN, NUDGES = timedelta(seconds=5), 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Where the traffic stands and what is done about it.

    ``stable``: the revision that has the traffic, by what every proxy was seen to do; the former one until a new weight
    is verified. ``weight_verified_at``: when every proxy was first seen to send requests by the weights as written,
    None before; clusters that come and go without a weight leave it alone. ``done``: the target has all of the
    traffic, verified. ``retiring``: revisions that no proxy knows any more, so that their pods may stop.
    """

    actions: tuple[Action, ...]
    stable: str | None
    weights: dict[str, int]
    weight_verified_at: datetime | None
    done: bool
    retiring: frozenset[str]
    message: str
    requeue_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the switch is to reach. ``target``: None while there is none; ``ready``: it may take over."""

    target: str | None
    ready: bool
    frozen: bool = False
    retire_delay: timedelta
    known: str | None = None  # who had the traffic, for routes that somebody deleted
    stable: str | None = None  # who was last told to have it, while a new weight isn't verified
    rejected: frozenset[str] = frozenset()


def switch(owner: Owner, config: ProxyConfig, have: Observed, wish: Wish) -> Switch:
    """Return the next step. ``config`` says everything but the routes."""
    written = have.proxy.routes
    if written is None:
        return _first(owner, config, have, wish)
    verified = is_verified(have)
    following, message, wait = _following(have, wish, written, verified=verified)
    if following != written:
        config = replace(config, routes=following, edition=have.now.isoformat())
        actions = (_written(owner, config, have), *_nudges(have, routes_hash(config), have.now))
        return _switch(have, wish, following, actions, message=message, verified=False, requeue_after=_look_again(have))
    if not verified:
        nudges = _nudges(have, have.proxy.routes_hash or "", have.proxy.written_at or have.now)
        return _switch(have, wish, written, nudges, message=message, verified=False, requeue_after=_look_again(have))
    return _switch(have, wish, written, (), message=message, verified=True, requeue_after=wait)


def is_verified(have: Observed) -> bool:
    """Return whether every proxy that runs serves the routes as written, and one at least runs."""
    replicas = have.proxy.replicas
    return bool(replicas) and all(replica.routes_hash == have.proxy.routes_hash for replica in replicas)


def _first(owner: Owner, config: ProxyConfig, have: Observed, wish: Wish) -> Switch:
    """Write routes where there are none: at the beginning, or after somebody deleted or changed them."""
    holder = wish.known
    known = {holder} if holder and holder in have.revisions else set()
    named = {wish.target} if wish.target and _has_address(have, wish.target) else set()
    clusters = tuple(sorted(known | named))
    routes = Routes(clusters=clusters, weights={holder: WHOLE} if holder else {})
    config = replace(config, routes=routes, edition=have.now.isoformat())
    manifest = proxy_config(owner, config, written_at=have.now, weighed_at=have.now)
    changed = have.proxy.objects.get("ConfigMap")
    action: Action = Create(manifest=manifest, why="the proxy starts with it")
    if changed is not None:
        action = Replace(ref=changed, manifest=manifest, meddler=have.proxy.meddlers["ConfigMap"])
    message = "the proxy starts" if changed is None else "waiting for every proxy to serve the routes as written"
    return _switch(have, wish, routes, (action,), message=message, verified=False, requeue_after=_look_again(have))


def _following(have: Observed, wish: Wish, written: Routes, *, verified: bool) -> tuple[Routes, str, timedelta | None]:
    """Return the routes to have next (or those written), what is being done, and when to look again."""
    holder, target = written.holder, wish.target
    if wish.frozen:
        return written, "", None
    if target is not None and target not in written.clusters and _has_address(have, target):
        clusters = tuple(sorted({*written.clusters, target}))
        return Routes(clusters=clusters, weights=written.weights), f"the proxy learns of {target}", None
    if not verified:
        return written, "waiting for every proxy to serve the routes as written", _look_again(have)
    if target is not None and holder != target and wish.ready and target in written.clusters:
        if not all(target in replica.healthy for replica in have.proxy.replicas):
            return written, f"waiting until {target} is healthy in every proxy", _look_again(have)
        routes = Routes(clusters=written.clusters, weights={target: WHOLE})
        return routes, f"traffic moves from {holder or 'nobody'} to {target}", None
    return _without_leavers(have, wish, written)


def _has_address(have: Observed, revision: str) -> bool:
    """Return whether a pod of the revision can be looked up by name.

    Sooner a proxy would be told that there is none, an answer that DNS may repeat for half a minute.
    """
    view = have.revisions.get(revision)
    return view is not None and any(pod.ip and not pod.terminating for pod in view.pods)


def _without_leavers(have: Observed, wish: Wish, written: Routes) -> tuple[Routes, str, timedelta | None]:
    """Drop clusters of revisions that have no weight and aren't to get any, after a delay.

    The delay counts from when the weights as written were verified, whoever the target is by now: until then a proxy
    may have sent requests to those that leave, whose answers may still be under way.
    """
    leaving = _leaving(have, wish, written)
    if not leaving:
        return written, "", None
    if written.holder is not None:
        left = (have.proxy.verified_at or have.now) + wish.retire_delay - have.now
        if left > timedelta():
            retire = "retires" if len(leaving) == 1 else "retire"
            return written, f"{', '.join(sorted(leaving))} {retire} after {wish.retire_delay.seconds} s", left
    clusters = tuple(name for name in written.clusters if name not in leaving)
    return Routes(clusters=clusters, weights=written.weights), f"the proxy forgets {', '.join(sorted(leaving))}", None


def _leaving(have: Observed, wish: Wish, written: Routes) -> set[str]:
    """Return the clusters of revisions that have no weight and aren't to get any."""
    kept = {name for name in (written.holder, wish.target) if name}
    return set(written.clusters) - kept - _irreplaceable(have, wish, written)


def _weight_verified_at(have: Observed, routes: Routes) -> datetime | None:
    """Return when every proxy was first seen to send requests by these weights: now, or as was noted; None before."""
    if not routes.weights or not _keeps_weights(have, routes):
        return None
    return have.proxy.verified_at or (have.now if is_verified(have) else None)


def _noted(have: Observed, routes: Routes) -> tuple[Action, ...]:
    """Note once when that was: the delay of those that leave begins, and no proxy that comes later takes it back."""
    proxy, at = have.proxy, _weight_verified_at(have, routes)
    if at is None or proxy.verified_at or proxy.weighed_at is None:
        return ()
    said = canonical_json({"weighedAt": proxy.weighed_at.isoformat(), "at": at.isoformat()})
    ref = proxy.objects["ConfigMap"]
    return (Annotate(ref=ref, annotations={VERIFIED_ANNOTATION: said}, why="every proxy serves these weights"),)


def _keeps_weights(have: Observed, routes: Routes) -> bool:
    """Return whether routes differ from those written by clusters without weight alone, if at all."""
    return have.proxy.routes is not None and routes.weights == have.proxy.routes.weights


def _irreplaceable(have: Observed, wish: Wish, written: Routes) -> set[str]:
    """Return the only revision with a pod that is ready, if it isn't the one with the traffic anyway."""
    able = {name for name, view in have.revisions.items() if view.ready_replicas and name not in wish.rejected}
    return able if len(able) == 1 and written.holder not in able else set()


def _switch(
    have: Observed,
    wish: Wish,
    routes: Routes,
    actions: tuple[Action, ...],
    *,
    message: str,
    verified: bool,
    requeue_after: timedelta | None,
) -> Switch:
    verified_at = _weight_verified_at(have, routes)
    former = wish.stable if wish.stable in routes.clusters else None
    stable = routes.holder if verified_at else former
    unknown = set(have.revisions) - set(routes.clusters) - {wish.target}
    retiring = unknown - _irreplaceable(have, wish, routes) if verified and not wish.frozen else set()
    return Switch(
        actions=(*actions, *_noted(have, routes)),
        stable=stable,
        weights=dict(routes.weights),
        weight_verified_at=verified_at,
        done=verified_at is not None and stable == wish.target,
        retiring=frozenset(retiring),
        message=message,
        requeue_after=requeue_after,
    )


def _written(owner: Owner, config: ProxyConfig, have: Observed) -> Action:
    proxy = have.proxy
    ref = proxy.objects["ConfigMap"]
    weighed_at = proxy.weighed_at if _keeps_weights(have, config.routes) else None
    manifest = proxy_config(owner, config, written_at=have.now, weighed_at=weighed_at or have.now)
    manifest["metadata"] |= {"uid": ref.uid, "resourceVersion": ref.resource_version}
    return Apply(manifest=manifest, why=f"routes {config.routes.to_dict()}")


def _nudges(have: Observed, routes: str, written_at: datetime) -> tuple[Action, ...]:
    """Return annotations on the pods of proxies that serve other routes: the kubelet then looks at their ConfigMap.

    Without one it takes a minute. It may look before it has heard of the change itself, so it is told again. A pod
    that has no address yet is left alone: it starts with what is written.
    """
    behind = {replica.pod for replica in have.proxy.replicas if replica.routes_hash != routes}
    times = min(NUDGES, (have.now - written_at) // NUDGE_AGAIN)
    said = f"{routes}.{times}"
    return tuple(
        Annotate(ref=pod.ref, annotations={NUDGE_ANNOTATION: said}, why="the kubelet looks at its ConfigMap at once")
        for pod in have.proxy.pods
        if pod.name in behind and pod.annotations.get(NUDGE_ANNOTATION) != said
    )


def _look_again(have: Observed) -> timedelta:
    """Return when to ask the proxies again: soon at first, seldom where it takes long."""
    since = have.proxy.written_at or have.now
    return min(LOOK_LATEST, max(LOOK_SOONEST, (have.now - since) / 30))
