"""How long from ``kubectl apply`` to Healthy, by stage: built with a named engine or with Auto, and built before.

Images are on the node (a tiny model is built first), the registry holds the source. Parity on 320 texts and speed
against PyTorch are part of every build.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.common import Benchmark, Row, at_most, publish
from benchmarks.stand import Stand, the_stand
from examples.demo.follow import Followed, follow
from examples.demo.kubectl import Object
from tests.candidates import FASTER
from tests.e2e.waiting import wait_for
from tests.e2e.yard import model

CHOSEN = f"{FASTER.engine} {FASTER.precision}"
NAMED = FASTER.model_dump(mode="json")
AUTO = {"engine": "Auto", "precision": "Auto"}
HOW_AUTO_CHOOSES = "Each candidate that holds the gate gets a short look; only who may win is measured at length."
BUILT_SECONDS = 60.0
FOUND_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to apply the MiniLM, the build pods that it starts, and the seconds it may take, where that is claimed.

    ``afresh``: every model is deleted first, and with it all that it owned. The registry keeps what was built.
    """

    title: str
    name: str
    optimization: Object
    pods: int = 0
    most_seconds: float | None = None
    afresh: bool = False


CASES = (
    Case(title=f"{CHOSEN}, built", name="named", optimization=NAMED, pods=1, most_seconds=BUILT_SECONDS),
    Case(title=f"{CHOSEN}, from the cache", name="cached", optimization=NAMED, most_seconds=FOUND_SECONDS),
    Case(
        title=f"{CHOSEN}, from the registry only",
        name="kept",
        optimization=NAMED,
        most_seconds=FOUND_SECONDS,
        afresh=True,
    ),
    Case(title="Auto, built", name="auto", optimization=AUTO, pods=1),
)


def main() -> int:
    """Run all cases in one namespace, one after the other."""
    # A namespace of this run's own: the registry keeps, by namespace, what an earlier run built.
    with the_stand(f"bench-apply-{secrets.token_hex(2)}") as stand:
        stand.warm_up()
        followed = {case.title: applied(stand, case) for case in CASES}
    result = Benchmark(
        name="apply",
        title="From apply to Healthy",
        targets=[
            at_most(case.title, case.most_seconds, followed[case.title].seconds, "s")
            for case in CASES
            if case.most_seconds is not None
        ],
        rows=[row for title, way in followed.items() for row in stage_rows(title, way)],
        versions=stand.versions(),
        remarks=(
            "all-MiniLM-L6-v2, 320 texts of parity, speed at batch 1 and 8 against PyTorch on the same threads.",
            f"Auto took {followed[CASES[-1].title].seconds:.1f} s. {HOW_AUTO_CHOOSES}",
        ),
    )
    return publish(result)


def applied(stand: Stand, case: Case) -> Followed:
    """Apply the case's model and follow it until it is Healthy."""
    if case.afresh:
        with stand.screen.step("Everything but the registry: kubectl delete"):
            forget(stand)
    before = stand.yard.build_pods_started()
    stand.cluster.apply(model(case.name, stand.minilm_source, optimization=case.optimization, gates={}))
    with stand.screen.step(case.title):
        followed = follow(stand.cluster, case.name, stand.screen, seconds=900)
    assert (stand.yard.build_pods_started() - before).total() == case.pods
    return followed


def forget(stand: Stand) -> None:
    """Delete every model, and wait until its revisions, its pods and its build are gone as well."""
    for seen in stand.cluster.list("optimizedmodels"):
        stand.yard.remove(seen["metadata"]["name"])
    wait_for(
        lambda: not stand.cluster.list("modelbuilds,jobs"), seconds=90, what="rid of builds", cluster=stand.cluster
    )


def stage_rows(title: str, way: Followed) -> Iterator[Row]:
    """Yield how long each stage took, in the order they came, and the sum."""
    ends = [stage.began for stage in way.stages[1:]] + [way.seconds]
    for stage, end in zip(way.stages, ends, strict=True):
        yield {"case": title, "stage": stage.name, "seconds": round(end - stage.began, 2)}
    yield {"case": title, "stage": "all", "seconds": round(way.seconds, 2)}


if __name__ == "__main__":
    sys.exit(main())
