"""The registry is down: said, waited for, and Healthy without a hand once it is back."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.faults import registry_away
from tests.e2e.yard import Yard
from tests.servers.hub import Hub

pytestmark = [pytest.mark.cluster, pytest.mark.alone]


def test_both_who_read_from_it_and_who_only_push_to_it_wait(yard: Yard, tiny_source: Object, hub: Hub) -> None:
    with registry_away(yard.cluster):
        yard.submit("reads", tiny_source)
        yard.submit("pushes", {"huggingFace": {"repo": hub.open_repo}})
        assert "check the network" in yard.told("reads", "SourceUnreachable")
        assert "check registry.external.push" in yard.told("pushes", "RegistryUnreachable")
    yard.healthy("reads")
    yard.healthy("pushes")
