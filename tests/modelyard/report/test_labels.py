"""Names beside points: no two on one another while there is room."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from modelyard.report.plots.labels import Box, placed

ROOM = Box(left=60, top=44, right=700, bottom=320)


def test_two_candidates_that_are_about_as_fast_and_as_near_have_names_that_can_be_read() -> None:
    points = [(300.0, 100.0), (306.0, 103.0), (298.0, 98.0)]
    boxes = placed(points, ["OnnxRuntime FP32", "OpenVINO BF16", "OnnxRuntime INT8"], ROOM)
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


@given(st.lists(st.tuples(st.floats(80, 680), st.floats(60, 300)), max_size=8))
def test_every_point_has_a_name_within_the_picture(points: list[tuple[float, float]]) -> None:
    boxes = placed(points, ["OnnxRuntime INT8"] * len(points), ROOM)
    assert len(boxes) == len(points)
    assert all(box.within(ROOM) for box in boxes)


def test_a_name_does_not_lie_on_another_point() -> None:
    first, second = (300.0, 100.0), (340.0, 100.0)
    boxes = placed([first, second], ["OnnxRuntime FP32", "B"], ROOM)
    around = Box(left=334, top=94, right=346, bottom=106)
    assert not boxes[0].overlaps(around)
