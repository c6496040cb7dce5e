"""A pass: observe, plan, carry out, tell, write the status. One for a model, one for a build.

Both are repeatable at any point. Events come before the status that they are derived from: once it is written nobody
knows what changed, while a pass that is repeated tells the same events, which are found again by their names. One that
is repeated because somebody else changed the object before its status was written counts them once more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from modelyard.actions import carry_out
from modelyard.apiserver import Conflict, Unreachable
from modelyard.artifacts import doubt_of
from modelyard.cluster import Cluster
from modelyard.errors import SpecNotUnderstood
from modelyard.events import tell
from modelyard.keys import Key
from modelyard.naming import BUILD_KIND, MODEL_KIND
from modelyard.observe import observed_build, observed_model
from modelyard.planner import asks_registry, needs_pin, plan_build, plan_model, retried_build
from modelyard.reasons import Reason
from modelyard.resolve import Pinner
from modelyard.state.build import BuildDesired, BuildObserved, RegistryAnswer, RegistryFailed
from modelyard.state.desired import Defaults, Desired
from modelyard.state.observed import Observed, PinFailed
from modelyard.state.plan import Event
from modelyard.status import status_of
from modelyard.telemetry import METRICS, Log
from modelyard.traffic.envoy import Envoys
from modelyard.transitions import build_events_of, events_of
from modelyard.views import build_desired_from, desired_from

CONFLICT_SECONDS = 0.5

AskRegistry = Callable[[BuildDesired], Awaitable[RegistryAnswer]]

log = Log("reconciler")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Everything that a pass needs. ``push_config`` returns the config.json that lets a Job push, as it is now."""

    cluster: Cluster
    envoys: Envoys
    pinner: Pinner
    ask_registry: AskRegistry
    push_config: Callable[[], str | None]
    defaults: Defaults

    async def reconcile(self, key: Key) -> float | None:
        """Run one pass; return the seconds until the next one is wanted, None if only an event shall cause it.

        A conflict is no failure: someone wrote meanwhile, so the pass is run again on what is there now.
        """
        try:
            again = await (self._model(key) if key.kind == MODEL_KIND else self._build(key))
        except Conflict as conflict:
            METRICS.count("conflicts", kind=key.kind)
            log.info("pass met a conflict", key=key, message=conflict.message)
            return CONFLICT_SECONDS
        except Unreachable:
            raise
        except Exception as error:  # the queue logs it and tries again, and nobody reads the log of a model at rest
            await self._tell_failure(key, error)
            raise
        return None if again is None else again.total_seconds()

    async def _model(self, key: Key) -> timedelta | None:
        model = await self.cluster.get(MODEL_KIND, key.namespace, key.name)
        if model is None:
            return None  # its children are the garbage collector's
        want = desired_from(model, self.defaults)
        have = await self._with_pins(want, await observed_model(self.cluster, self.envoys, model))
        have = await self._with_artifact(want, have)
        plan = plan_model(want, have)
        obstacles = await carry_out(self.cluster, plan.actions)
        if obstacles:
            have = replace(have, obstacles=obstacles)
            plan = plan_model(want, have)  # says what is in the way; its actions are the next pass's
        status = status_of(want, have, plan)
        await tell(self.cluster, model, (*plan.events, *events_of(want.status, status)))
        if status != want.status:
            await self.cluster.write_status(model, status.to_dict())
        return plan.requeue_after

    async def _tell_failure(self, key: Key, error: Exception) -> None:
        """Tell whoever looks at the object that nothing is done for it."""
        about = await self.cluster.get(key.kind, key.namespace, key.name)
        if about is not None:
            words = " ".join(str(error).split())
            message = f"nothing is done for this object while this fails: {type(error).__name__}: {words}"
            await tell(self.cluster, about, (Event(warning=True, reason=Reason.PASS_FAILED, message=message),))

    async def _with_pins(self, want: Desired, have: Observed) -> Observed:
        spec = needs_pin(want, have)
        if spec is None:
            return have
        pins = await self.pinner.pins(want.namespace, spec)
        log.info("source pinned", namespace=want.namespace, name=want.name, pins=pins)
        return replace(have, pins=pins)

    async def _with_artifact(self, want: Desired, have: Observed) -> Observed:
        name = retried_build(want, have)
        build = await self.cluster.get(BUILD_KIND, want.namespace, name) if name else None
        if build is None:
            return have
        asked = build_desired_from(build, self.defaults, self.push_config())
        return replace(have, artifact=doubt_of(await self._asked(asked)))

    async def _build(self, key: Key) -> timedelta | None:
        build = await self.cluster.get(BUILD_KIND, key.namespace, key.name)
        if build is None:
            return None
        want = build_desired_from(build, self.defaults, self.push_config())
        have = await self._with_registry(want, await observed_build(self.cluster, build))
        plan = plan_build(want, have)
        obstacles = await carry_out(self.cluster, plan.actions)
        if obstacles:
            plan = plan_build(want, replace(have, obstacles=obstacles))
        await tell(self.cluster, build, build_events_of(want.status, plan.status))
        if plan.status != want.status:
            await self.cluster.write_status(build, plan.status.to_dict())
        return plan.requeue_after

    async def _asked(self, want: BuildDesired) -> RegistryAnswer:
        """Ask the registry, with the user's Secret where the artifact is the user's."""
        named = None if isinstance(want.spec, SpecNotUnderstood) else want.spec.source.artifact
        if named is None or named.pull_secret_ref is None:
            return await self.ask_registry(want)
        config = await self.pinner.docker_config(want.namespace, named.pull_secret_ref.name)
        if isinstance(config, PinFailed):
            return RegistryFailed(reason=config.reason, message=config.message)
        return await self.ask_registry(replace(want, pull_config=config))

    async def _with_registry(self, want: BuildDesired, have: BuildObserved) -> BuildObserved:
        if not asks_registry(want, have):
            return have
        answer = await self._asked(want)
        log.info("registry asked", namespace=want.namespace, name=want.name, answer=type(answer).__name__)
        return replace(have, registry=answer)
