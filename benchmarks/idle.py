"""What models at rest cost: the operator's memory and its calls to the API server, with 1 and with 200 of them.

One model serves. The others stand still before a gate that their build missed: all that the operator does for a
model at rest, without two hundred servers on one machine.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass

from benchmarks.common import Benchmark, Row, Target, at_most, publish
from benchmarks.stand import Stand, the_stand
from examples.demo.kubectl import Object
from tests.e2e.calls import beside_the_lease, calls_of, most_renewals
from tests.e2e.faults import leader
from tests.e2e.waiting import wait_for
from tests.e2e.yard import conditions, model

MODELS = 200
WINDOW_SECONDS = 60
QUIET_SECONDS = 10
WORKING_SET_MB = 150.0
BLOCKED = {"performance": {"minSpeedup": 900}}
REQUESTS = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<count>[0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """One window of rest. ``calls`` are the operator's, by method; ``seen`` is anybody's about our kinds."""

    models: int
    working_set_mb: float
    calls: Counter[str]
    seen: Counter[str]


def main() -> int:
    """Measure with one model, add the others, measure again."""
    with the_stand("bench-idle") as stand:
        stand.yard.submit("model-0", stand.tiny_source)
        stand.yard.healthy("model-0", seconds=600)
        rests = [measured(stand, 1)]
        stand.cluster.apply(*(model(f"model-{n}", stand.tiny_source, gates=BLOCKED) for n in range(1, MODELS)))
        wait_for(lambda: blocked(stand) == MODELS - 1, seconds=600, what="at rest", cluster=stand.cluster)
        rests.append(measured(stand, MODELS))
    result = Benchmark(
        name="idle",
        title="What models at rest cost",
        targets=[target for rest in rests for target in targets(rest)],
        rows=[row(rest) for rest in rests],
        versions=stand.versions(),
        remarks=[str(__doc__).split("\n\n")[1].replace("\n", " ")],
    )
    return publish(result)


def blocked(stand: Stand) -> int:
    """Return how many models stand before their gate, and have been told so."""
    models = stand.cluster.list("optimizedmodels")
    return sum(any(c["reason"] == "PerformanceMissed" for c in conditions(seen).values()) for seen in models)


def measured(stand: Stand, models: int) -> Rest:
    """Wait until nothing is under way, then count for a minute."""
    with stand.screen.step(f"{models} at rest, {WINDOW_SECONDS} s"):
        wait_for(lambda: at_rest(stand), seconds=600, what="quiet", cluster=stand.cluster)
        pod = leader(stand.cluster)
        calls, seen = calls_of(pod), server_calls(stand)
        time.sleep(WINDOW_SECONDS)  # the thing measured is what happens while nobody does anything
    return Rest(
        models=models,
        working_set_mb=working_set_mb(stand, pod),
        calls=calls_of(pod) - calls,
        seen=server_calls(stand) - seen,
    )


def at_rest(stand: Stand) -> bool:
    """Return whether for ten seconds nobody but us asked the API server for a model or a build.

    What a roll-out leaves behind counts as well: events that are still posted, the garbage collector's looks at owners.
    """
    before = server_calls(stand)
    time.sleep(QUIET_SECONDS)
    return server_calls(stand) == before


def server_calls(stand: Stand) -> Counter[str]:
    """Return what the API server counted for our kinds: requests by verb, watches apart."""
    page, counted = stand.cluster.run("get", "--raw", "/metrics"), Counter[str]()
    for found in REQUESTS.finditer(page):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', found["labels"]))
        if labels.get("group") == "modelyard.dev" and labels.get("verb") != "WATCH":
            counted[f"{labels['verb']} {labels['resource']}"] += int(float(found["count"]))
    return counted


def working_set_mb(stand: Stand, pod: Object) -> float:
    """Return the working set of the operator's container as the kubelet tells it, in MB."""
    path = f"/api/v1/nodes/{pod['spec']['nodeName']}/proxy/stats/summary"
    summary = json.loads(stand.cluster.run("get", "--raw", path))
    [found] = [p for p in summary["pods"] if p["podRef"]["uid"] == pod["metadata"]["uid"]]
    return float(sum(c["memory"]["workingSetBytes"] for c in found["containers"]) / 1e6)


def targets(rest: Rest) -> list[Target]:
    """Return the claims about one window: the operator asks nothing, and nobody asks anything for its sake."""
    renewals = most_renewals(WINDOW_SECONDS)
    return [
        at_most(f"working set with {rest.models}", WORKING_SET_MB, rest.working_set_mb, "MB"),
        at_most(
            f"the operator's calls with {rest.models}, lease and watches apart",
            0,
            beside_the_lease(rest.calls),
            "calls",
        ),
        at_most(f"the operator's writes with {rest.models}, the lease's", renewals, rest.calls["PUT"], "calls"),
        at_most(f"calls about our kinds with {rest.models}, watches apart", 0, rest.seen.total(), "calls"),
    ]


def row(rest: Rest) -> Row:
    """Return a line of the table."""
    return {
        "models": rest.models,
        "working set, MB": rest.working_set_mb,
        f"operator's calls in {WINDOW_SECONDS} s, lease included": ", ".join(
            f"{count} {method}" for method, count in sorted(rest.calls.items())
        ),
        "anybody's calls about our kinds": ", ".join(f"{count} {what}" for what, count in sorted(rest.seen.items())),
    }


if __name__ == "__main__":
    sys.exit(main())
