"""How long from ``kubectl apply`` to Healthy, by stage: built with a named engine, with Auto, and from the cache.

Images are on the node (a tiny model is built first), the registry holds the source. Parity on 320 texts and speed
against PyTorch are part of every build.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.common import Benchmark, Row, at_most, publish
from benchmarks.stand import Stand, the_stand
from examples.demo.follow import Followed, follow
from examples.demo.kubectl import Object
from examples.demo.screen import Screen
from tests.candidates import FASTER
from tests.e2e.yard import model

NAMED = FASTER.model_dump(mode="json")
AUTO = {"engine": "Auto", "precision": "Auto"}
BUILT_SECONDS = 60.0
CACHED_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to apply the MiniLM."""

    title: str
    name: str
    optimization: Object


CASES = (
    Case(title=f"{FASTER.engine} {FASTER.precision}, built", name="named", optimization=NAMED),
    Case(title=f"{FASTER.engine} {FASTER.precision}, from the cache", name="cached", optimization=NAMED),
    Case(title="Auto, built", name="auto", optimization=AUTO),
)


def main() -> int:
    """Run all cases in one namespace, one after the other."""
    with the_stand("bench-apply") as stand:
        stand.warm_up()
        followed = {case.title: applied(stand, case) for case in CASES}
    result = Benchmark(
        name="apply",
        title="From apply to Healthy",
        targets=[
            at_most(CASES[0].title, BUILT_SECONDS, followed[CASES[0].title].seconds, "s"),
            at_most(CASES[1].title, CACHED_SECONDS, followed[CASES[1].title].seconds, "s"),
        ],
        rows=[row for title, way in followed.items() for row in stage_rows(title, way)],
        versions=stand.versions(),
        remarks=(
            "all-MiniLM-L6-v2, 320 texts of parity, speed at batch 1 and 8 against PyTorch on the same threads.",
            f"Auto took {followed[CASES[2].title].seconds:.1f} s; it builds every candidate.",
        ),
    )
    return publish(result)


def applied(stand: Stand, case: Case) -> Followed:
    """Apply the case's model and follow it until it is Healthy."""
    print(f"== {case.title}")
    stand.cluster.apply(model(case.name, stand.minilm_source, optimization=case.optimization, gates={}))
    return follow(stand.cluster, case.name, Screen(), seconds=900)


def stage_rows(title: str, way: Followed) -> Iterator[Row]:
    """Yield how long each stage took, in the order they came, and the sum."""
    ends = [stage.began for stage in way.stages[1:]] + [way.seconds]
    for stage, end in zip(way.stages, ends, strict=True):
        yield {"case": title, "stage": stage.name, "seconds": round(end - stage.began, 2)}
    yield {"case": title, "stage": "all", "seconds": round(way.seconds, 2)}


if __name__ == "__main__":
    sys.exit(main())
