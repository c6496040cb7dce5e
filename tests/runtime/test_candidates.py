"""Which candidates a machine can build: what its CPU lacks the instructions for is refused with the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.contract.choices import SUPPORTED_CANDIDATES, Candidate
from modelyard.contract.report import Machine
from modelyard_runtime.engines import refusal_of
from tests.candidates import BF16, FP32, HERE, INT8_WEIGHTS, OPENVINO_FP32

EVERYWHERE = {FP32, OPENVINO_FP32, INT8_WEIGHTS}


def machine(*instruction_sets: str) -> Machine:
    return Machine(cpu="a CPU", cores=2, memory=1 << 30, instruction_sets=instruction_sets)


@pytest.mark.parametrize(
    ("instruction_sets", "built"),
    [
        ((), EVERYWHERE),
        (("avx2",), EVERYWHERE),
        (("avx2", "avx512f", "avx512_vnni"), EVERYWHERE),
        (("avx2", "avx512f", "avx512_bf16"), EVERYWHERE | {BF16}),
        (("avx2", "amx_tile", "amx_bf16"), EVERYWHERE | {BF16}),
    ],
)
def test_a_machine_builds_what_its_cpu_has_the_instructions_for(
    instruction_sets: tuple[str, ...], built: set[Candidate]
) -> None:
    able = {one for one in SUPPORTED_CANDIDATES if refusal_of(one, machine(*instruction_sets)) is None}
    assert able == built


def test_a_refusal_says_what_is_lacking_and_what_runs_everywhere() -> None:
    refusal = refusal_of(BF16, machine("avx2")) or ""
    for words in (
        "BF16 needs one of avx512_bf16, amx_bf16",
        "(a CPU) has avx2",
        "ask for FP32, or OnnxRuntime with INT8Weights",
    ):
        assert words in refusal


def test_what_the_tests_build_here_is_what_this_cpu_has() -> None:
    flags = set(Path("/proc/cpuinfo").read_text().split())
    expected = EVERYWHERE | ({BF16} if flags & {"avx512_bf16", "amx_bf16"} else set())
    assert set(HERE) == expected
