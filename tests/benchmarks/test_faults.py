"""What a fault may cost: a build's share is told by the build of the same run that nothing disturbed."""

from __future__ import annotations

from benchmarks.common import Row
from benchmarks.faults import BUILD_FAULTS, UNDISTURBED, building_row, recovery_targets, switch_fault


def test_each_fault_has_its_bound() -> None:
    faults = [fault for fault, _, _ in BUILD_FAULTS]
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
