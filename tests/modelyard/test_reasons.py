"""Every reason has a meaning and a fix, and a failed build's are among them; a message ends in its fix, once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.contract.steps import BuildReason
from modelyard.reasons import ADVICE, Reason, with_fix


def test_every_reason_says_what_it_means_and_what_to_do() -> None:
    assert set(ADVICE) == set(Reason)
    for advice in ADVICE.values():
        assert advice.meaning.endswith(".")
        assert advice.fix.endswith(".")


def test_a_build_fails_for_reasons_that_are_documented() -> None:
    assert {reason.value for reason in BuildReason} <= {reason.value for reason in Reason}


NEARER: dict[Reason, tuple[str, ...]] = {
    Reason.HELD: ("p1Cosine 0.9 < 0.998; command 'promote 1a2b <nonce>' to serve it all the same",),
    Reason.NO_ROOM: ("no pod can be made for Job b-1: exceeded quota; raise the quota, or lower build.resources",),
    Reason.OBJECT_REFUSED: ("no pod can be made for Job b-1: no; correct build.pod, or ask whoever set the policy",),
    Reason.SPEC_NOT_UNDERSTOOD: (
        "stored by a newer version of the operator: spec.x; upgrade the operator or apply anew",
        "spec.source has no member that this version knows; give huggingFace, objectStore, pvc, oci or artifact",
    ),
    Reason.HOST_NOT_ALLOWED: ("http://hub is not asked without TLS; use https, or set sources.plainHttpHosts",),
    Reason.TOO_NOISY: ("minSpeedup 1 is not surely >= 1; the command retry measures anew",),
    Reason.PODS_NOT_READY: ("m-1: its artifact can't be pulled (exit code 1); mend what `kubectl logs m-1` says",),
    Reason.REGISTRY_UNAUTHORIZED: ("m-1: HTTP 401; correct the Secret here that registry.external.pullSecret names",),
    Reason.ARTIFACT_GONE: ("it has none; push it there again, or name another in spec.source.artifact.ref",),
    Reason.REGISTRY_UNREACHABLE: ("no answer; nodes and pods need a way to the registry of spec.source.artifact.ref",),
    Reason.PROXY_NOT_READY: ("no proxy is ready; mend what keeps the pods of Deployment m-proxy from running",),
    Reason.SOURCE_NOT_FOUND: (
        "org/name has no revision 'x'; correct spec.source.huggingFace.revision",
        'persistentvolumeclaim "x" not found; create the claim, or correct spec.source.pvc.claimName',
        "the volume has no folder 'x': it holds y; set pvc.path",
    ),
    Reason.SOURCE_UNAUTHORIZED: (
        "the hub refuses org/name (HTTP 401); accept its terms on the hub with the account of the token",
        "there is no Secret hf of namespace n; create it with the key token",
        "user 65532 may not read /source/x: make it readable for all",
    ),
    Reason.DIGEST_MISMATCH: (
        "build x was made from other inputs; delete it, and it is made anew",
        "m-1: its artifact can't be pulled: other bytes; delete the artifact from the registry, and command `retry`",
        "m/config.json came with 3 bytes instead of 4; it was written to meanwhile: command retry once it is there",
    ),
    Reason.CONVERSION_FAILED: ("INT8 can't be made of this model: x; choose another engine or precision",),
    Reason.SOURCE_INVALID: (
        "model.safetensors is shorter than its header says; upload it again",
        "there is no config.json: name the folder of the model itself",
        "there is no tokenizer (one of tokenizer.json): save it beside the model, with tokenizer.save_pretrained",
    ),
    Reason.DATASET_INVALID: (
        "there is no ConfigMap texts of namespace n; create it with the key texts.jsonl",
        "ConfigMap texts of namespace n has no key x.txt (it has y.txt); add it, or name another key",
        "texts.txt has 3 different texts, and a proof needs 460; add some, or leave gates.dataset out",
        "line 1 of x.csv has the columns a and no text in 'text'; name the column of texts in gates.dataset.column",
        "texts is named like no dataset; name it with one of .txt, .jsonl, .csv",
        "texts.txt is not UTF-8; save it as UTF-8",
        "key texts.txt of ConfigMap texts is no longer what it was; the command refresh takes it as it is now",
        "line 2 of x.jsonl is no JSON; write one value a line",
        "line 2 of x.csv is no CSV; quote texts with commas",
    ),
    Reason.UNSUPPORTED_TASK: ("X has no classification head: give a model that ends in Y, or task: Embedding",),
    Reason.GATE_NOT_APPLICABLE: (
        "the task Generation can't be proven; set task to Embedding",
        "the task Reranking asks questions with passages; leave gates.dataset out",
    ),
    Reason.SHAPES_NOT_POSSIBLE: ("the model has 512 positions: set optimization.shapes.sequence.max to 512 or less",),
    Reason.OUT_OF_MEMORY: ("m-1: triton was killed; raise serving.resources.limits.memory",),
    Reason.DISK_FULL: (
        "the scratch volume is full: raise spec.build.scratch",
        "its pod was evicted; free the node's disk, or raise build.resources.requests.ephemeral-storage",
    ),
    Reason.SERVER_REFUSED: ("Triton went away: most often too little memory (build.resources)",),
}
"""What our messages say where they know better than the reason does."""


def test_a_nearer_fix_stands_alone() -> None:
    assert {reason for reason in Reason if ADVICE[reason].nearer} == set(NEARER)
    for reason, messages in NEARER.items():
        assert [with_fix(reason, message) for message in messages] == list(messages)


@pytest.mark.parametrize(
    ("reason", "message", "told"),
    [
        (Reason.DISK_FULL, "no space left.\n", "no space left; raise build.scratch"),
        (Reason.DISK_FULL, "", "raise build.scratch"),
        (Reason.BUILDING, "convert runs", "convert runs"),
        (Reason.WAITING, "", ""),
    ],
)
def test_a_message_ends_in_the_fix_of_its_reason(reason: Reason, message: str, told: str) -> None:
    assert with_fix(reason, message) == told


@given(st.sampled_from(list(Reason)), st.text())
def test_a_fix_is_said_once(reason: Reason, message: str) -> None:
    """A build's message ends in it, and the model that tells what became of its build adds no second one."""
    told = f"build b: {with_fix(reason, message)}"
    assert with_fix(reason, told) == told
