"""The registry is down: said, waited for, and Healthy without a hand once it is back."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from modelyard.contract.steps import Step
from tests.e2e.episodes import build_reaches
from tests.e2e.faults import registry_away
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard, conditions
from tests.servers.hub import Hub

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

MANY_CANDIDATES = {"engine": "Auto", "precision": "Auto"}
"""They take longer to convert than the registry takes to go."""


def test_who_reads_from_it_who_pushes_to_it_and_who_is_about_to_push_wait(
    yard: Yard, tiny_source: Object, hub: Hub
) -> None:
    """What was converted already is kept: each build has one pod, from first to last."""
    source = {"huggingFace": {"repo": hub.open_repo}}
    yard.submit("converts", source, optimization=MANY_CANDIDATES)
    name = build_reaches(yard, Step.CONVERT)["metadata"]["name"]
    with registry_away(yard.cluster):
        yard.submit("reads", tiny_source)
        yard.submit("pushes", source)
        assert "check the network" in yard.told("reads", "SourceUnreachable")
        assert "check registry.external.push" in yard.told("pushes", "RegistryUnreachable")
        assert build_reaches(yard, Step.PUBLISH)["metadata"]["name"] == name
        publish = ("logs", name, f"--container={Step.PUBLISH}")
        wait_for(
            lambda: "RegistryUnreachable" in yard.cluster.run(*publish),
            seconds=120,
            what="told by publish that it waits",
            cluster=yard.cluster,
        )
        wait_for(
            lambda: "publish runs" in conditions(yard.model("converts"))["Converted"]["message"],
            seconds=60,
            what="told that publish runs",
            cluster=yard.cluster,
        )
    for model in ("converts", "reads", "pushes"):
        yard.healthy(model)
    assert set(yard.build_pods_started().values()) == {1}
