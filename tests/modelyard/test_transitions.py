"""What people are told of a model as it goes: each transition once."""

from __future__ import annotations

from modelyard.api.status import OptimizedModelStatus
from modelyard.pins import OciPin
from modelyard.reasons import Reason
from modelyard.state.observed import PinFailed
from modelyard.transitions import events_of
from tests.modelyard.planner.world import BATCH_16, World, serving


def told(world: World, before: OptimizedModelStatus) -> list[tuple[str, bool]]:
    """Return the events since a status, as (reason, warning)."""
    return [(event.reason, event.warning) for event in events_of(before, world.status)]


def test_each_transition_is_told_once() -> None:
    reasons = [str(event.reason) for event in serving().told]
    for reason in ("Resolved", "Built", "GatesPassed", "RolledOut", "Healthy"):
        assert reasons.count(reason) == 1, reasons


def test_a_build_that_the_registry_has_is_never_told_as_being_made() -> None:
    world = World()
    world.passes(3)
    assert [event.reason for event in world.told] == ["Resolving", "Resolved", "Waiting"]


def test_that_nobody_answers_any_more_is_a_warning() -> None:
    world = serving()
    for pod in world.pods({"modelyard.dev/component": "proxy"}):
        pod["status"]["conditions"][1]["status"] = "False"
    before = world.status
    world.passes()
    assert told(world, before) == [("ProxyNotReady", True)]
    assert "Deployment minilm-proxy" in world.status.message
    before = world.status
    world.passes()
    assert told(world, before) == []


def test_that_nobody_answers_any_more_is_told_whatever_else_is_under_way() -> None:
    world = serving()
    world.edit(optimization={"shapes": {"batch": {"opt": 4}}})
    world.passes(2)
    assert world.status.phase == "Progressing"
    world.crash(world.status.stable_revision)
    before = world.status
    world.passes()
    assert ("PodsNotReady", True) in told(world, before)


def test_a_roll_out_is_told_once_however_long_the_former_revision_takes_to_retire() -> None:
    world = serving()
    world.told.clear()
    world.edit(serving=BATCH_16)
    world.settle()
    reasons = [event.reason for event in world.told]
    assert sorted(set(reasons)) == sorted(reasons)
    assert {"RolledOut", "Healthy"} <= set(reasons)


def test_what_keeps_a_model_from_its_target_is_a_warning_once() -> None:
    world = serving()
    world.pin = PinFailed(reason=Reason.SOURCE_UNREACHABLE, message="no answer")
    world.edit(task="Embedding")
    before = world.status
    world.passes()
    assert told(world, before) == [("SourceUnreachable", True)]
    before = world.status
    world.passes()
    assert told(world, before) == []


def test_a_source_that_is_back_is_told_of_again() -> None:
    world = serving()
    world.pin = PinFailed(reason=Reason.SOURCE_UNREACHABLE, message="no answer")
    world.edit(task="Embedding")
    world.passes()
    world.pin = OciPin(repository="registry.example.com/models/minilm", digest="sha256:" + "1" * 64)
    before = world.status
    world.passes()
    assert ("Resolved", False) in told(world, before)
