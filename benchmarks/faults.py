"""How fast what breaks mends itself: each fault struck once, its recovery timed, and every request counted.

For a fault in a build, recovery is the time from the fault to Healthy, the rest of the build included, or all of it
where its pod was lost: it may take a minute more than the build that nothing disturbed. For a model that serves, it is
the time until all is as before: both servers take requests again, or the only one's successor does and the pod that
stopped is gone; for a switch, until the new revision is Healthy; for one that is verified or retiring, whose new
revision is Healthy already, until the former one's pods are gone; for an upgrade of the operator, until the new one has
said what it would serve otherwise. The slowest request is what a client noticed.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from benchmarks.common import Benchmark, Row, Target, at_most, publish
from benchmarks.stand import Stand, the_stand
from examples.demo.install import install_operator
from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder, sentence_encoder
from examples.demo.sentence_model import REGISTRY_SERVICE, SYSTEM_NAMESPACE, WRITE_PORT, minilm_folder, push_folder
from examples.demo.sentences import SENTENCES
from modelyard.contract.steps import Step
from tests.cluster import lifecycle
from tests.cluster.settings import cluster_from_environment
from tests.e2e.client import Load, steady_load
from tests.e2e.episodes import (
    MODEL,
    NEW_MODEL_STAGES,
    SWITCH_STAGES,
    both_ready,
    retired,
    serve_twice,
    stable,
    switch_reaches,
    want_new_revision,
)
from tests.e2e.faults import aimed_at_leader, delete_at_once, fresh_operators, kill_container, kill_leader
from tests.e2e.only_server import ENDS, servers
from tests.e2e.other_images import under_another_name
from tests.e2e.questions import Standard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard
from tests.models.encoder import tiny_encoder

RATE = 12
EXACT = 1e-3
MENDED_SECONDS = 60.0
RETIRED_SECONDS = 120.0
"""Without a fault: 30 s after the last request was sent to it the former revision loses its routes, and its pods answer
on for 15 s and 10 s more, then have 20 s for what is under way, 75 s together. The rest is for the next operator, whose
lease begins 7 s after the former one's last word, for what it reads first, and for proxies that load their routes."""
RETIRING_STAGES = ("verified", "retiring")
"""Stages of a switch at which the new revision is Healthy already: what is left is that the former one goes."""
ONLY = "only"
BUILDING, SERVING = "building", "serving"
UNDISTURBED = "none"


def main() -> int:
    """Strike every fault, one after the other."""
    with the_stand("bench-faults") as stand:
        rows = [*build_rows(stand), *serving_rows(stand), *only_server_rows(stand)]
        result = Benchmark(
            name="faults",
            title="How fast what breaks mends itself",
            targets=[*recovery_targets(rows), lost_target(rows)],
            rows=rows,
            versions=stand.versions(),
            remarks=[str(__doc__).split("\n\n")[1].replace("\n", " ")],
        )
    return publish(result)


def recovery_targets(rows: list[Row]) -> Iterator[Target]:
    """Yield the claims: mended within a minute, a former revision gone within two, a build a minute late at most."""
    retiring = {switch_fault(stage) for stage in RETIRING_STAGES}
    seconds = {str(row["fault"]): float(row["recovery, s"]) for row in rows}
    undisturbed = seconds.pop(UNDISTURBED)
    building = {fault for fault, _, _ in BUILD_FAULTS}
    for fault, recovery in seconds.items():
        most = RETIRED_SECONDS if fault in retiring else MENDED_SECONDS
        yield at_most(fault, most + undisturbed if fault in building else most, recovery, "s")


def lost_target(rows: list[Row]) -> Target:
    """Return the claim that no request was lost or answered wrongly."""
    lost = sum(int(row["failed or wrong"]) for row in rows if row["while"] == SERVING)
    return at_most("requests failed or wrong", 0, lost, "requests")


# --- builds ---


Strike: TypeAlias = Callable[[Object], object]
"""Strikes a new model at a stage, given what shows that stage."""


def nothing(_yard: Yard) -> Strike:
    """Disturb nothing."""
    return lambda _shown: None


def operator_dies(yard: Yard) -> Strike:
    """SIGKILL the operator that leads."""
    kill = aimed_at_leader(yard.cluster)
    return lambda _shown: kill()


def operator_dies_early(yard: Yard) -> Strike:
    """SIGKILL the operator that leads before it has asked for a build."""
    kill = aimed_at_leader(yard.cluster)

    def strike(_shown: Object) -> None:
        kill()
        assert not yard.cluster.list("modelbuilds"), "it was resolved before the operator was killed"

    return strike


def conversion_dies(_yard: Yard) -> Strike:
    """SIGKILL the conversion."""
    return lambda pod: kill_container(pod, Step.CONVERT)


def build_pod_is_deleted(yard: Yard) -> Strike:
    """Delete the build's pod."""
    return lambda pod: delete_at_once(yard.cluster, pod)


def api_server_restarts(_yard: Yard) -> Strike:
    """Stop the API server and start it again."""
    return lambda _shown: lifecycle.restart(cluster_from_environment(), ["kube-apiserver"])


UNRESOLVED = "unresolved"
STAGES: Mapping[str, Callable[[Yard], Object]] = {UNRESOLVED: lambda _yard: {}, **NEW_MODEL_STAGES}
"""A model that was just applied is unresolved for a tenth of a second: who waits to see that, sees its build."""
BUILD_FAULTS: tuple[tuple[str, str, Callable[[Yard], Strike]], ...] = (
    (UNDISTURBED, Step.FETCH, nothing),
    (f"operator SIGKILL while {UNRESOLVED}", UNRESOLVED, operator_dies_early),
    *((f"operator SIGKILL at {stage}", stage, operator_dies) for stage in NEW_MODEL_STAGES),
    ("conversion SIGKILL", Step.CONVERT, conversion_dies),
    ("build pod deleted at convert", Step.CONVERT, build_pod_is_deleted),
    ("API server restart at convert", Step.CONVERT, api_server_restarts),
)
"""Each with the stage of a new model that it strikes at, and what takes aim before the model is applied."""


def build_rows(stand: Stand) -> Iterator[Row]:
    """Strike each fault in a build of its own."""
    yard = stand.yard
    for fault, stage, aim in BUILD_FAULTS:
        with stand.screen.step(f"{fault}, while a model is built"):
            fresh_operators(yard.cluster)
            source, strike = fresh_source(stand), aim(yard)
            yard.submit(MODEL, source)
            shown = STAGES[stage](yard)
            started = time.monotonic()
            strike(shown)
            yard.healthy(MODEL, seconds=600)
            seconds = time.monotonic() - started
            yard.remove(MODEL)
        yield building_row(fault, seconds)


def fresh_source(stand: Stand) -> Object:
    """Push a random encoder that nobody has built yet."""
    seed = secrets.randbits(31)
    with (
        tempfile.TemporaryDirectory() as scratch,
        stand.target.reach(REGISTRY_SERVICE, WRITE_PORT, namespace=SYSTEM_NAMESPACE) as (registry,),
    ):
        folder = tiny_encoder(Path(scratch) / "model", seed=seed)
        ref = push_folder(stand.target.cluster, folder, f"models/fresh:{seed}", registry_address=registry)
    return {"oci": {"ref": ref}}


# --- serving ---


def serving_rows(stand: Stand) -> Iterator[Row]:
    """Strike a model of two servers under load."""
    serve_twice(stand.yard, stand.minilm_source)
    stand.yard.healthy(MODEL, seconds=600)
    encoder = sentence_encoder(minilm_folder())

    def server_dies() -> None:
        pod = stand.yard.pods(component="triton", revision=stable(stand.yard))[0]
        kill_container(pod, "triton")
        wait_for(lambda: not both_ready(stand.yard), seconds=60, what="noticed", cluster=stand.cluster)

    yield under_load(stand, encoder, "server SIGKILL", server_dies)
    restart = ["kube-apiserver"]
    yield under_load(
        stand, encoder, "API server restart", lambda: lifecycle.restart(cluster_from_environment(), restart)
    )
    for stage in SWITCH_STAGES:
        fresh_operators(stand.cluster)
        yield under_load(
            stand,
            encoder,
            switch_fault(stage),
            lambda: kill_leader(stand.cluster),
            begin=switch_begun(stand, stage),
            mended=retired if stage in RETIRING_STAGES else served_by_two,
        )
    yield under_load(stand, encoder, "operator upgrade to other images", lambda: upgraded(stand))
    install_operator(stand.target.cluster)


def upgraded(stand: Stand) -> None:
    """Upgrade the release to other images, until the new operator says that the model's are outdated."""
    install_operator(stand.target.cluster, settings=under_another_name(stand.cluster))
    wait_for(
        lambda: stand.yard.model(MODEL)["status"]["outdated"], seconds=120, what="told outdated", cluster=stand.cluster
    )


def switch_fault(stage: str) -> str:
    """Return what the operator's death at a stage of a switch is called."""
    return f"operator SIGKILL in a switch: {stage}"


def switch_begun(stand: Stand, stage: str) -> Callable[[str], None]:
    """Return what begins a switch away from a revision and waits until it is at a stage."""

    def begin(before: str) -> None:
        want_new_revision(stand.yard, stand.minilm_source)
        switch_reaches(stand.yard, stage, before)

    return begin


def nothing_begun(_before: str) -> None:
    """Leave the model at rest."""


def served_by_two(yard: Yard, _before: str) -> None:
    """Wait until the model is Healthy with both servers ready."""
    stable(yard)
    wait_for(lambda: both_ready(yard), seconds=180, what="mended", cluster=yard.cluster)


def under_load(
    stand: Stand,
    encoder: SentenceEncoder,
    fault: str,
    strike: Callable[[], object],
    begin: Callable[[str], None] = nothing_begun,
    mended: Callable[[Yard, str], None] = served_by_two,
) -> Row:
    """Strike under load and time until it is mended; the load ends once a former revision has retired."""
    before = stable(stand.yard)
    with loaded(stand, encoder, MODEL, fault) as load:
        begin(before)
        started = time.monotonic()
        strike()
        mended(stand.yard, before)
        seconds = time.monotonic() - started
        after = stable(stand.yard)
        if after != before:
            retired(stand.yard, before)
    return serving_row(fault, seconds, encoder, load, {before, after})


def only_server_rows(stand: Stand) -> Iterator[Row]:
    """Strike a model of one server under load."""
    stand.yard.submit(ONLY, stand.minilm_source)
    revision = stand.yard.healthy(ONLY, seconds=600)["status"]["stableRevision"]
    encoder = sentence_encoder(minilm_folder())
    for end in ENDS:
        fault = f"the only server {end.__name__.replace('_', ' ')}"
        (pod,) = servers(stand.yard, ONLY)
        with loaded(stand, encoder, ONLY, fault) as load:
            started = time.monotonic()
            end(stand.yard, pod)
            seconds = time.monotonic() - started
        yield serving_row(fault, seconds, encoder, load, {revision})


@contextmanager
def loaded(stand: Stand, encoder: SentenceEncoder, model: str, fault: str) -> Iterator[Load]:
    """Ask a model for the length of the block."""
    texts = [encoder.tokens(text) for text in SENTENCES]
    with (
        stand.screen.step(f"{fault}, under load"),
        steady_load(stand.yard.address(model), model, texts, rate=RATE) as load,
    ):
        yield load


def serving_row(fault: str, seconds: float, encoder: SentenceEncoder, load: Load, revisions: set[str]) -> Row:
    """Return the line of a fault that struck a model under load."""
    standard = Standard(answers=encoder.embeddings(SENTENCES), tolerance=EXACT)
    verdict = load.verdict(dict.fromkeys(revisions, standard))
    print(verdict)
    return {
        "while": SERVING,
        "fault": fault,
        "recovery, s": round(seconds, 1),
        "requests": verdict.requests,
        "failed or wrong": verdict.failed + len(verdict.wrong),
        "slowest request, s": round(verdict.slowest_seconds, 2),
    }


def building_row(fault: str, seconds: float) -> Row:
    """Return the line of a fault that struck a build: there is nobody to ask yet."""
    asked = dict.fromkeys(("requests", "failed or wrong", "slowest request, s"), "-")
    return {"while": BUILDING, "fault": fault, "recovery, s": round(seconds, 1), **asked}


if __name__ == "__main__":
    sys.exit(main())
