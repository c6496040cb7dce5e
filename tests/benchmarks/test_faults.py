"""What a fault may cost, a build's share told by the build that nothing disturbed; and that it struck in time."""

from __future__ import annotations

import pytest

from benchmarks.common import Row
from benchmarks.faults import (
    BUILD_FAULTS,
    SERVING,
    TRIES,
    UNDISTURBED,
    building_row,
    in_time,
    lost_target,
    recovery_targets,
    switch_fault,
)
from tests.e2e.faults import TooLate


def test_each_fault_has_its_bound() -> None:
    faults = list(BUILD_FAULTS)
    rows: list[Row] = [building_row(fault, 27.2 if fault == UNDISTURBED else 87.3) for fault in faults]
    serving = {"server SIGKILL": 60.0, switch_fault("warming"): 60.1, switch_fault("retiring"): 120.0}
    rows += [{"while": "serving", "fault": fault, "recovery, s": seconds} for fault, seconds in serving.items()]
    faults.remove(UNDISTURBED)
    assert [(target.name, target.want, target.met) for target in recovery_targets(rows)] == [
        *((fault, "<= 87.2 s", False) for fault in faults),
        ("server SIGKILL", "<= 60 s", True),
        (switch_fault("warming"), "<= 60 s", False),
        (switch_fault("retiring"), "<= 120 s", True),
    ]


@pytest.mark.parametrize(("failed", "again", "met"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_a_request_that_was_sent_again_counts_as_a_lost_one(failed: int, again: int, *, met: bool) -> None:
    rows: list[Row] = [
        building_row(UNDISTURBED, 27.2),
        {"while": SERVING, "failed or wrong": failed, "sent again": again},
    ]
    assert lost_target(rows).met == met


def test_an_episode_whose_fault_struck_too_late_is_repeated() -> None:
    left = [TooLate("over")] * (TRIES - 1)

    def episode() -> float:
        if left:
            raise left.pop()
        return 6.2

    assert in_time(episode) == 6.2


def test_what_is_always_too_late_is_no_figure() -> None:
    episodes: list[None] = []

    def episode() -> float:
        episodes.append(None)
        raise TooLate("over")

    with pytest.raises(TooLate):
        in_time(episode)
    assert len(episodes) == TRIES
