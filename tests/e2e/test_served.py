"""A trained model on the whole way: its answers agree with PyTorch, and its status tells the proof."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from examples.demo.ask import Answers, ask_grpc, ask_http
from examples.demo.kubectl import Object
from examples.demo.reference import SentenceEncoder, Tokens, cosines
from examples.demo.sentences import SENTENCES
from tests.candidates import FASTER
from tests.e2e.client import steady_load
from tests.e2e.kit import MakeYard
from tests.e2e.questions import Standard
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard, conditions
from tests.repository.documented import blocks
from tests.repository.tracked import ROOT

pytestmark = pytest.mark.cluster

LEAST_COSINE = 0.999


@pytest.fixture(scope="module")
def served(make_yard: MakeYard, minilm_source: Object) -> Yard:
    """A namespace in which MiniLM is served by a named engine."""
    yard = make_yard("served")
    # Other tests' builds run beside it: half as fast as the original is what a gate can hold surely in such noise.
    gates = {"performance": {"minSpeedup": 0.5}}
    yard.submit("minilm", minilm_source, optimization=FASTER.model_dump(mode="json"), gates=gates)
    yard.healthy("minilm")
    return yard


Ask = Callable[[str, str, Sequence[Tokens]], Answers]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_answers_agree_with_pytorch(served: Yard, minilm: SentenceEncoder, protocol: str) -> None:
    address = served.address("minilm")
    ask: tuple[Ask, str] = (ask_http, address.http) if protocol == "http" else (ask_grpc, address.grpc)
    answers = ask[0](ask[1], "minilm", [minilm.tokens(text) for text in SENTENCES])
    assert cosines(answers.embeddings, minilm.embeddings(SENTENCES)).min() >= LEAST_COSINE


def test_answers_of_other_sentences_would_not_pass(served: Yard, minilm: SentenceEncoder) -> None:
    """The bound above can be missed: what is served for each sentence, held against the next one."""
    tokens = [minilm.tokens(text) for text in SENTENCES]
    served_answers = ask_http(served.address("minilm").http, "minilm", tokens).embeddings
    assert cosines(np.roll(served_answers, 1, axis=0), minilm.embeddings(SENTENCES)).max() < LEAST_COSINE


def test_a_text_is_answered_alike_beside_others(served: Yard, minilm: SentenceEncoder) -> None:
    """One call with all sentences, padded to the longest, gives what each gives alone."""
    tokens = [minilm.tokens(text) for text in SENTENCES]
    answers = ask_http(served.address("minilm").http, "minilm", [padded(tokens)])
    assert cosines(answers.embeddings, minilm.embeddings(SENTENCES)).min() >= LEAST_COSINE


def padded(texts: Sequence[Tokens]) -> Tokens:
    """Return one call's tensors, int64 (texts, longest), zeros behind each text."""
    longest = max(tokens["input_ids"].shape[1] for tokens in texts)
    return {
        name: np.concatenate([np.pad(t[name], ((0, 0), (0, longest - t[name].shape[1]))) for t in texts])
        for name in ("input_ids", "attention_mask")
    }


def test_the_tutorial_s_call_answers(served: Yard, minilm: SentenceEncoder, tmp_path: Path) -> None:
    """As it stands there, in a shell whose kubectl speaks to this namespace."""
    tutorial = (ROOT / "docs" / "tutorial" / "index.md").read_text()
    [call] = [block for block in blocks(tutorial) if block.startswith("curl ")]
    config = shutil.copy(served.cluster.kubeconfig, tmp_path)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = f"kubectl config set-context --current --namespace={served.name} >&2\n{call}"
    shell = ["bash", "-euo", "pipefail", "-c", script]
    answer = json.loads(subprocess.check_output(shell, env={**os.environ, "KUBECONFIG": config, "PATH": path}))
    [output] = answer["outputs"]
    assert (answer["model_name"], output["name"], output["datatype"]) == ("minilm", "embedding", "FP32")
    embeddings = np.array(output["data"], dtype=np.float32).reshape(output["shape"])
    assert cosines(embeddings, minilm.embeddings(["hello world"])).min() >= LEAST_COSINE


def test_replies_name_their_revision(served: Yard, minilm: SentenceEncoder) -> None:
    texts = [minilm.tokens(text) for text in SENTENCES]
    revision = served.model("minilm")["status"]["stableRevision"]
    with steady_load(served.address("minilm"), "minilm", texts, rate=20) as load:
        wait_for(lambda: load.answered(revision) >= len(texts), seconds=30, what="answering", cluster=served.cluster)
    standard = Standard(answers=minilm.embeddings(SENTENCES), tolerance=0.03)
    verdict = load.verdict({revision: standard})
    assert verdict.clean, str(verdict)
    others = load.verdict({revision: replace(standard, answers=np.roll(standard.answers, 1, axis=0))})
    assert len(others.wrong) == others.requests, "each answer would be wrong for another sentence"


def test_status_tells_the_proof(served: Yard) -> None:
    status = served.model("minilm")["status"]
    [artifact] = status["artifacts"]
    assert (artifact["engine"], artifact["precision"]) == (FASTER.engine, FASTER.precision)
    assert float(artifact["parity"]["p1Cosine"]) >= 0.998
    assert float(artifact["parity"]["neighboursKept"]) >= 0.95
    assert float(artifact["speedup"]["batch1"]) > 0
    assert artifact["digest"].startswith("sha256:")
    assert artifact["size"] > 20_000_000
    assert status["endpoints"]["http"] == f"http://minilm.{served.name}.svc:8000"
    truths = {kind: c["status"] for kind, c in conditions({"status": status}).items()}
    assert truths == {
        "Ready": "True",
        "Serving": "True",
        "SourceResolved": "True",
        "Converted": "True",
        "ParityVerified": "True",
        "RolloutComplete": "True",
    }


def test_get_shows_a_line_that_tells_all(served: Yard) -> None:
    head, line = served.cluster.run("get", "om", "--output=wide").splitlines()
    assert head.split()[:9] == [
        "NAME",
        "PHASE",
        "STABLE",
        "TARGET",
        "WEIGHT",
        "ENGINE",
        "PRECISION",
        "SPEEDUP",
        "READY",
    ]
    assert {"minilm", "Healthy", FASTER.engine, FASTER.precision} <= set(line.split())


STORY = ["Resolving", "Resolved", "Building", "Warming", "Built", "GatesPassed", "Switching", "Healthy", "RolledOut"]
ONCE = ["Resolving", "Resolved", "Built", "GatesPassed", "RolledOut"]
"""The others are told again after what may interrupt them: a node without room, a probe that fails once under load."""


def test_events_tell_the_story_once(served: Yard) -> None:
    told = served.events("minilm")
    begun: dict[str, str] = {}
    for event in told:
        begun.setdefault(event["reason"], event["firstTimestamp"])
    assert set(STORY) <= set(begun)
    assert sorted(STORY, key=lambda reason: begun[reason]) == STORY
    assert [(event["reason"], event["count"]) for event in told if event["reason"] in ONCE] == [(r, 1) for r in ONCE]


CLOSED_PATHS = (
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/minilm/unload"),
    ("GET", "/v2/models/minilm/config"),
    ("POST", "/v2/models/minilm/generate"),
    ("POST", "/v2/systemsharedmemory/region/x/register"),
    ("POST", "/v2/logging"),
    ("GET", "/metrics"),
    ("POST", "/v2/models/another/infer"),
)


@pytest.mark.parametrize(("method", "path"), CLOSED_PATHS)
def test_only_inference_is_open(served: Yard, method: str, path: str) -> None:
    reply = httpx.request(method, f"http://{served.address('minilm').http}{path}", json={}, trust_env=False)
    assert reply.status_code in {403, 404}, reply.text


@pytest.mark.parametrize(
    "call", ["RepositoryIndex", "RepositoryModelUnload", "SystemSharedMemoryRegister", "LogSettings"]
)
def test_only_inference_is_open_over_grpc(served: Yard, call: str) -> None:
    request = getattr(service_pb2, f"{call}Request")()
    with grpc.insecure_channel(served.address("minilm").grpc) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            getattr(stub, call)(request, timeout=10)
    assert refused.value.code() in {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.PERMISSION_DENIED}
