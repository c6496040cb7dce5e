"""The API server goes away while one model serves and another is built: no request lost, one build, no orphan."""

from __future__ import annotations

import pytest

from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder
from modelyard.contract.steps import Step
from tests.e2e.answers import assert_clean, under_load
from tests.e2e.builds import assert_one_build
from tests.e2e.episodes import MODEL, build_reaches, serve_twice, stable
from tests.e2e.kit import BuiltAlready, MakeYard, RestartApiServer
from tests.e2e.yard import Yard

pytestmark = [pytest.mark.cluster, pytest.mark.alone]


@pytest.fixture
def served(make_yard: MakeYard, tiny_source: Object, built_already: BuiltAlready) -> Yard:
    """A namespace in which a model is served by two pods behind two proxies."""
    yard = make_yard("restart")
    built_already(yard)
    serve_twice(yard, tiny_source)
    yard.healthy(MODEL)
    return yard


def test_nobody_notices(
    served: Yard, yard: Yard, tiny: SentenceEncoder, fresh_source: Object, restart_api_server: RestartApiServer
) -> None:
    before = stable(served)
    with under_load(served, MODEL, tiny) as load:
        yard.submit("built", fresh_source)
        build_reaches(yard, Step.CONVERT)
        restart_api_server()
        yard.healthy("built")
        served.healthy(MODEL)
    assert_clean(load, tiny, before)
    assert stable(served) == before
    assert_one_build(yard, "built", pods=1)
