"""A model that serves and is at rest costs the API server nothing but the operator's watches and its lease."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from examples.demo.kubectl import Object
from tests.e2e.calls import beside_the_lease, calls_of, most_renewals
from tests.e2e.faults import leader
from tests.e2e.kit import BuiltAlready
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

QUIET_SECONDS = 3
REST_SECONDS = 10


def test_a_model_that_serves_costs_no_call(yard: Yard, tiny_source: Object, built_already: BuiltAlready) -> None:
    built_already(yard)
    yard.submit("m", tiny_source)
    yard.healthy("m")
    pod = leader(yard.cluster)
    # What other tests left goes first: their pods answer on for a while, in silence. Then the echoes of writes.
    wait_for(lambda: not leaving(yard), seconds=180, what="alone", cluster=yard.cluster)
    wait_for(lambda: not beside_the_lease(counted(pod, QUIET_SECONDS)), seconds=120, what="quiet", cluster=yard.cluster)
    calls = counted(pod, REST_SECONDS)
    assert beside_the_lease(calls) == 0, calls
    assert 0 < calls["PUT"] <= most_renewals(REST_SECONDS), "it leads, and only renews its lease"


def leaving(yard: Yard) -> list[str]:
    """Return the namespaces that are being deleted."""
    spaces = yard.cluster.list("namespaces")
    return [space["metadata"]["name"] for space in spaces if space["status"]["phase"] == "Terminating"]


def counted(operator: Object, seconds: float) -> Counter[str]:
    """Return the calls of the next seconds: the time is what is measured."""
    before = calls_of(operator)
    time.sleep(seconds)
    return calls_of(operator) - before
