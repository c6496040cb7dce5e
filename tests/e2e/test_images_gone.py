"""Images that no node can pull: of a build, and of the server of an artifact that was built before."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from tests.e2e.builds import built_and_deleted
from tests.e2e.kit import WithValues
from tests.e2e.yard import Yard

pytestmark = [pytest.mark.cluster, pytest.mark.alone]


def test_each_is_told_by_its_name(
    yard: Yard, tiny_source: Object, fresh_source: Object, with_values: WithValues
) -> None:
    built_and_deleted(yard, "built", tiny_source)
    with with_values("images.runtime.tag=no-runtime", "images.triton.tag=no-triton"):
        yard.submit("built", tiny_source)
        yard.submit("new", fresh_source)
        assert "no-triton" in yard.told("built", "ImageNotPullable")
        assert "no-runtime" in yard.told("new", "ImageNotPullable")
