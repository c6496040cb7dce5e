"""A Triton with public remote exploits serves nobody, unless whoever runs the operator allows it."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.kit import BuiltAlready, WithValues
from tests.e2e.yard import Yard

pytestmark = [pytest.mark.cluster, pytest.mark.alone]


def test_it_is_refused_with_the_fix(
    yard: Yard, tiny_source: Object, built_already: BuiltAlready, with_values: WithValues
) -> None:
    """The Triton of the local cluster is one of those."""
    built_already(yard)
    with with_values("serving.allowInsecureServer=false"):
        yard.submit("m", tiny_source)
        message = yard.told("m", "InsecureServer")
    assert "has public remote exploits" in message
    assert "images.triton" in message
    assert not yard.model("m")["status"].get("stableRevision")
