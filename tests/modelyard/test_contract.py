"""What the operator and the build must read alike."""

from __future__ import annotations

import pytest

from modelyard.contract.request import Length


@pytest.mark.parametrize(
    ("asked", "positions", "longest"),
    [(None, 8192, 512), (None, 512, 512), (None, 77, 77), (64, 8192, 64), (1024, 8192, 1024)],
)
def test_the_longest_text_is_what_the_user_says_or_what_the_model_allows_up_to_512(
    asked: int | None, positions: int, longest: int
) -> None:
    assert Length(opt=16, max=asked).longest(positions) == longest
