"""A model of one server loses no request either when that server goes: requests wait for the next one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder
from tests.e2e.answers import assert_clean, under_load
from tests.e2e.client import PATIENCE_SECONDS
from tests.e2e.episodes import MODEL
from tests.e2e.kit import BuiltAlready, MakeYard
from tests.e2e.only_server import ENDS, servers
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def served(make_yard: MakeYard, tiny_source: Object, built_already: BuiltAlready) -> Yard:
    """A namespace in which a model is served as the defaults say."""
    yard = make_yard("one")
    built_already(yard)
    yard.submit(MODEL, tiny_source)
    yard.healthy(MODEL)
    return yard


@pytest.mark.parametrize("goes", ENDS)
def test_requests_wait_for_the_next_server(
    served: Yard, tiny: SentenceEncoder, goes: Callable[[Yard, Object], None]
) -> None:
    revision, (pod,) = served.healthy(MODEL)["status"]["stableRevision"], servers(served, MODEL)
    with under_load(served, MODEL, tiny) as load:
        wait_for(lambda: load.answered(revision), seconds=60, what="answered", cluster=served.cluster)
        goes(served, pod)
    verdict = assert_clean(load, tiny, revision)
    assert verdict.slowest_seconds < PATIENCE_SECONDS
