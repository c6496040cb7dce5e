"""Images that no node can pull: of a build, and of the server of an artifact that was built before."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.kit import BuiltAlready, WithValues
from tests.e2e.yard import Yard

pytestmark = [pytest.mark.cluster, pytest.mark.alone]


def test_of_a_build(yard: Yard, tiny_source: Object, with_values: WithValues) -> None:
    with with_values("images.runtime.tag=absent"):
        yard.submit("m", tiny_source)
        assert_told(yard, "runtime:absent")


def test_of_a_server(yard: Yard, tiny_source: Object, with_values: WithValues, built_already: BuiltAlready) -> None:
    built_already(yard)
    with with_values("images.triton.tag=absent"):
        yard.submit("m", tiny_source)
        assert_told(yard, "triton:absent")


def assert_told(yard: Yard, image: str) -> None:
    """The condition names the image and says where to correct it."""
    message = yard.told("m", "ImageNotPullable")
    assert image in message
    assert "correct the image in the chart's values" in message
