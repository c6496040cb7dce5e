"""The machine can fail: each promise, broken in the planner's own text, is found out."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from modelyard.planner import model, revisions, switch, target
from tests.modelyard.planner.machine import Yard

SOONER = settings(
    max_examples=2000,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

MUTATIONS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "one verified proxy is enough": (switch.is_verified, "all(", "any("),
    "weight before capacity": (switch._following, "and wish.ready and", "and"),
    "one healthy proxy is enough": (switch._following, "not all(target in", "not any(target in"),
    "nothing waits for answers under way": (switch._without_leavers, "if left > timedelta():", "if False:"),
    "pods stop before their routes are gone": (switch._switch, "if verified and not", "if not"),
    "the only ready revision is stopped": (switch._irreplaceable, "len(able) == 1", "False"),
    "a suspended model moves": (switch._following, "if wish.frozen:", "if False:"),
    "gates hold nobody": (model._proven, "if proof.passed or", "if True or"),
    "a rejection is forgotten": (model._proven, "if target.rejection:", "if False:"),
    "nobody is rejected": (model._judged, "if rejection:", "if False:"),
    "a verdict counts from the next pass on": (
        model._judged,
        "return replace(candidate, rejection=rejection)",
        "return candidate",
    ),
    "the delay counts from the write": (switch._without_leavers, "proxy.verified_at", "proxy.written_at"),
    "what is deleted stays so": (revisions.made_whole, "if key not in there", "if key not in there and not there"),
    "what is changed stays so": (revisions.made_whole, "elif key in meddlers", "elif False"),
    "replicas are never changed": (revisions.scaled, "view.replicas != replicas", "False"),
    "an upgrade resolves anew": (
        target.is_unresolved,
        "if record is None or",
        "if record is None or record.snapshot.proxy_image != want.defaults.images.envoy or",
    ),
    "a model at rest looks again": (switch.switch, "requeue_after=wait", "requeue_after=wait or LOOK_LATEST"),
}


@pytest.mark.parametrize("promise", MUTATIONS)
def test_the_machine_finds_that(promise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, text, broken = MUTATIONS[promise]
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(text) == 1
    names: dict[str, Any] = {}
    exec(compile(source.replace(text, broken), inspect.getfile(function), "exec"), function.__globals__, names)
    # The code itself is exchanged, so that every module that imported the function runs the broken one.
    monkeypatch.setattr(function, "__code__", names[function.__name__].__code__)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Yard, settings=SOONER)
