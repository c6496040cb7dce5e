"""What is built and sound, and does not serve all the same: a gate, no room, little memory, a name that is taken."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.kit import BuiltAlready, MakeYard
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster

TOO_FAST = {"performance": {"minSpeedup": 900}}
LITTLE = {"memory": "20Mi"}


@pytest.fixture(scope="module")
def built(make_yard: MakeYard, built_already: BuiltAlready) -> Yard:
    """A namespace whose build of the tiny model is there already."""
    yard = make_yard("built")
    built_already(yard)
    return yard


def test_a_gate_that_is_missed_blocks_and_says_by_how_much(built: Yard, tiny_source: Object) -> None:
    built.submit("slow", tiny_source, gates=TOO_FAST)
    message = built.told("slow", "PerformanceMissed")
    assert "900" in message
    assert "or lower the gate" in message
    assert not built.pods(component="triton", model="slow")


def test_a_missed_gate_on_hold_waits_for_a_person(built: Yard, tiny_source: Object) -> None:
    built.submit("held", tiny_source, gates={**TOO_FAST, "onFailure": "Hold"})
    message = built.told("held", "Held")
    revision = built.model("held")["status"]["targetRevision"]
    assert f"command 'promote {revision} <nonce>'" in message
    built.cluster.run("annotate", "om", "held", f"modelyard.dev/command=promote {revision} 1")
    assert built.healthy("held")["status"]["stableRevision"] == revision


def test_a_server_that_no_node_can_hold(built: Yard, tiny_source: Object) -> None:
    built.submit("large", tiny_source, serving={"resources": {"requests": {"cpu": "64"}}})
    message = built.told("large", "NoRoom")
    assert "Insufficient cpu" in message
    assert "lower serving.resources.requests, add a node" in message


def test_a_server_that_is_killed_for_memory(built: Yard, tiny_source: Object) -> None:
    built.submit("narrow", tiny_source, serving={"resources": {"requests": LITTLE, "limits": LITTLE}})
    assert "raise serving.resources.limits.memory" in built.told("narrow", "OutOfMemory")
    built.remove("narrow")


def test_a_service_of_the_models_name_that_is_not_ours(built: Yard, tiny_source: Object) -> None:
    built.cluster.run("create", "service", "clusterip", "taken", "--tcp=80")
    before = built.cluster.get("service", "taken")
    assert before is not None
    built.submit("taken", tiny_source)
    message = built.told("taken", "NameTaken")
    assert "Service taken exists and is not ours" in message
    assert "rename the model, or delete or rename that object" in message
    owners = [o for build in built.cluster.list("modelbuilds") for o in build["metadata"].get("ownerReferences", [])]
    assert "taken" not in {owner["name"] for owner in owners}, "nothing is built for what can't be served"
    after = built.cluster.get("service", "taken")
    assert after is not None
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
