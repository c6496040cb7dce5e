"""Every reason has a meaning and a fix, and a failed build's are among them."""

from __future__ import annotations

from modelyard.contract.steps import BuildReason
from modelyard.reasons import ADVICE, Reason


def test_every_reason_says_what_it_means_and_what_to_do() -> None:
    assert set(ADVICE) == set(Reason)
    for advice in ADVICE.values():
        assert advice.meaning.endswith(".")
        assert advice.fix.endswith(".")


def test_a_build_fails_for_reasons_that_are_documented() -> None:
    assert {reason.value for reason in BuildReason} <= {reason.value for reason in Reason}
