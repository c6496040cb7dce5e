"""Every reason that a condition or an event can carry: one closed set, each with its meaning and its fix.

The page of the reference is written from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Advice(NamedTuple):
    """What a reason means, and what to do about it.

    ``nearer``: words of messages that say the fix themselves, and nearer to the case than ``fix`` can.
    """

    meaning: str
    fix: str
    nearer: tuple[str, ...] = ()


class Reason(StrEnum):
    """Reasons of conditions and events. Those of a failed build have the names of ``contract.BuildReason``."""

    # all is well, or on its way
    HEALTHY = "Healthy"
    AS_EXPECTED = "AsExpected"
    RESOLVED = "Resolved"
    RESOLVING = "Resolving"
    BUILDING = "Building"
    BUILT = "Built"
    GATES_PASSED = "GatesPassed"
    EXPORT_PROVEN = "ExportProven"
    PROMOTED = "Promoted"
    STARTING = "Starting"
    WARMING = "Warming"
    SWITCHING = "Switching"
    ROLLED_OUT = "RolledOut"
    WAITING = "Waiting"
    SUSPENDED = "Suspended"
    # a person is asked
    HELD = "Held"
    COMMAND_DONE = "CommandDone"
    COMMAND_IGNORED = "CommandIgnored"
    RESTORED = "Restored"
    # something is in the way
    NO_ROOM = "NoRoom"
    NAME_TAKEN = "NameTaken"
    OBJECT_REFUSED = "ObjectRefused"
    PASS_FAILED = "PassFailed"  # noqa: S105 - a reason, no secret
    NOT_SUPPORTED_YET = "NotSupportedYet"
    SPEC_NOT_UNDERSTOOD = "SpecNotUnderstood"
    HOST_NOT_ALLOWED = "HostNotAllowed"
    PARITY_MISSED = "ParityMissed"
    PERFORMANCE_MISSED = "PerformanceMissed"
    TOO_NOISY = "TooNoisy"
    GOLDEN_MISMATCH = "GoldenMismatch"
    INSECURE_SERVER = "InsecureServer"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    ARTIFACT_GONE = "ArtifactGone"
    PODS_NOT_READY = "PodsNotReady"
    PROXY_NOT_READY = "ProxyNotReady"
    # a failed build, by contract.BuildReason's names
    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_UNAUTHORIZED = "SourceUnauthorized"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    DIGEST_MISMATCH = "DigestMismatch"
    SOURCE_INVALID = "SourceInvalid"
    DATASET_INVALID = "DatasetInvalid"
    UNSUPPORTED_ARCHITECTURE = "UnsupportedArchitecture"
    UNSUPPORTED_TASK = "UnsupportedTask"
    UNSUPPORTED_PRECISION = "UnsupportedPrecision"
    GATE_NOT_APPLICABLE = "GateNotApplicable"
    SHAPES_NOT_POSSIBLE = "ShapesNotPossible"
    OUT_OF_MEMORY = "OutOfMemory"
    DISK_FULL = "DiskFull"
    NO_CANDIDATE = "NoCandidate"
    CONVERSION_FAILED = "ConversionFailed"
    SERVER_REFUSED = "ServerRefused"
    REGISTRY_UNREACHABLE = "RegistryUnreachable"
    REGISTRY_UNAUTHORIZED = "RegistryUnauthorized"
    REGISTRY_REFUSED = "RegistryRefused"
    IMAGE_NOT_PULLABLE = "ImageNotPullable"
    NO_NODE_FITS = "NoNodeFits"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    POD_LOST = "PodLost"


NONE = "Nothing: it goes on by itself."

ADVICE: Mapping[Reason, Advice] = {
    Reason.HEALTHY: Advice(
        "The target has all of the traffic: what the spec asks for, or what a command rolled back to.", NONE
    ),
    Reason.AS_EXPECTED: Advice("Requests are answered.", NONE),
    Reason.RESOLVED: Advice("The source and everything that the spec leaves open are pinned.", NONE),
    Reason.RESOLVING: Advice("The source is being pinned.", NONE),
    Reason.BUILDING: Advice("The conversion runs; the message says which step.", NONE),
    Reason.BUILT: Advice("The artifact and its report are in the registry.", NONE),
    Reason.GATES_PASSED: Advice("Every gate holds by its 95% bound.", NONE),
    Reason.EXPORT_PROVEN: Advice(
        "Every gate holds, but the weights are untrained: that proves the export at FP32, and nothing at fewer bits.",
        "Upload the trained weights, unless this is meant.",
    ),
    Reason.PROMOTED: Advice("A person let a missed gate pass.", NONE),
    Reason.STARTING: Advice("The build's Job was made.", NONE),
    Reason.WARMING: Advice("Pods of the new revision start and answer golden samples.", NONE),
    Reason.SWITCHING: Advice("Traffic moves, or waits until every proxy says that it can.", NONE),
    Reason.ROLLED_OUT: Advice("Every proxy routes all requests to the target.", NONE),
    Reason.WAITING: Advice("Something else comes first; the other conditions say what.", NONE),
    Reason.SUSPENDED: Advice(
        "spec.suspend freezes builds and roll-outs; serving goes on.", "Set spec.suspend to false."
    ),
    Reason.HELD: Advice(
        "A gate was missed, and gates.onFailure is Hold.",
        "Command `promote <revision> <nonce>` to serve it all the same, or change the spec.",
        nearer=("command 'promote",),
    ),
    Reason.COMMAND_DONE: Advice("The command was carried out.", NONE),
    Reason.COMMAND_IGNORED: Advice(
        "The command does nothing here; the message says why.", "Write it anew, with the revision that it is for."
    ),
    Reason.RESTORED: Advice(
        "Somebody changed an object that the model is made of; it was put back.",
        "Change the model's spec instead.",
    ),
    Reason.NO_ROOM: Advice(
        "No node has room for the new revision, or a quota has none for its pods or for the build's. That is no "
        "rejection: it starts as soon as there is room.",
        "Lower serving.resources.requests, add a node, or raise the quota.",
        nearer=("raise the quota",),
    ),
    Reason.NAME_TAKEN: Advice(
        "An object that isn't ours has a name that the model needs. It is left alone.",
        "Rename the model, or delete or rename that object.",
    ),
    Reason.OBJECT_REFUSED: Advice(
        "The API server refused an object: an admission policy, a quota, a LimitRange, or an overlay that isn't valid.",
        "Correct serving.pod or build.pod, or ask whoever set the quota or the policy.",
        nearer=("ask whoever set the policy",),
    ),
    Reason.PASS_FAILED: Advice(
        "The operator fails at each pass over the object: nothing is done for it. It goes on trying, more seldom.",
        "Undo the last change of the object if one set it off, and report the message: it is a fault of the operator.",
    ),
    Reason.NOT_SUPPORTED_YET: Advice(
        "This version can't build what the spec asks for.", "Choose one of those, or Auto."
    ),
    Reason.SPEC_NOT_UNDERSTOOD: Advice(
        "A newer version stored the object. Nothing is done with it; what serves goes on.",
        "Upgrade the operator, or apply the manifest anew.",
        nearer=("upgrade the operator", "give huggingFace"),
    ),
    Reason.HOST_NOT_ALLOWED: Advice(
        "The source is on a host that models may not come from.",
        "Add it to sources.allowedHosts in the chart's values.",
        nearer=("sources.",),
    ),
    Reason.PARITY_MISSED: Advice(
        "Answers differ from the original's by more than gates.parity allows.",
        "Choose a precision with more bits, or lower the gate if your use allows it.",
    ),
    Reason.PERFORMANCE_MISSED: Advice(
        "The build is slower than gates.performance asks.",
        "Choose Auto or another engine or precision, or lower the gate.",
    ),
    Reason.TOO_NOISY: Advice(
        "The measurement leaves a gate undecided: its bounds lie on both sides.",
        "Command `retry <revision> <nonce>` on a quieter machine, or loosen the gate.",
        nearer=("command retry",),
    ),
    Reason.GOLDEN_MISMATCH: Advice(
        "A server answers golden samples differently than they were proven: another CPU, GPU or library.",
        "Run it where it was built (serving.pod.nodeSelector), or command `retry <revision> <nonce>` to build it anew.",
    ),
    Reason.INSECURE_SERVER: Advice(
        "The Triton that was to serve has public remote exploits.",
        "Name an image of 26.07 or later in images.triton of the chart's values, and command `refresh <revision> "
        "<nonce>`; for tests alone there is serving.allowInsecureServer.",
    ),
    Reason.PROGRESS_DEADLINE_EXCEEDED: Advice(
        "The revision was not ready in time after its pods had a node.",
        "Raise rollout.progressDeadline or serving.resources, then command `retry <revision> <nonce>`.",
    ),
    Reason.ARTIFACT_GONE: Advice(
        "The registry no longer has the artifact that a revision serves: its volume was lost, or somebody deleted it. "
        "Servers that run go on; a new one can't start.",
        "Command `retry <revision> <nonce>` to build it anew, or restore the registry's volume.",
        nearer=("spec.source.artifact",),
    ),
    Reason.PODS_NOT_READY: Advice(
        "No pod takes requests.",
        "Mend what `kubectl describe pod` names, if it names anything; pods are started again by themselves.",
        nearer=("kubectl logs",),
    ),
    Reason.PROXY_NOT_READY: Advice(
        "No proxy takes requests.",
        "Mend what `kubectl describe pod` tells of the proxies, whose Deployment is the model's name and `-proxy`.",
        nearer=("of Deployment", "images.envoy", "traffic.proxy."),
    ),
    Reason.SOURCE_NOT_FOUND: Advice(
        "There is no such repository, revision, tag, claim or folder.",
        "Correct spec.source; a private one needs its Secret.",
        nearer=("spec.source", "pvc.path", "upload it again", "upload the model"),
    ),
    Reason.SOURCE_UNAUTHORIZED: Advice(
        "The source is gated or private, and the token is missing or not accepted.",
        "Accept the model's terms on the hub, and name a Secret with a token in tokenSecretRef or pullSecretRef.",
        nearer=("SecretRef", "accept its terms", "Secret", "readable"),
    ),
    Reason.SOURCE_UNREACHABLE: Advice(
        "The source doesn't answer. It is asked again; a build asks until shortly before build.timeout.",
        "Check the network, NetworkPolicies and the host's name; a build that gave up needs the command retry.",
    ),
    Reason.DIGEST_MISMATCH: Advice(
        "What was read is not what was pinned.",
        "Push or upload the files again; they changed or were cut off.",
        nearer=("delete it", "delete the tag", "delete the artifact", "push it again", "command retry"),
    ),
    Reason.SOURCE_INVALID: Advice(
        "The files are no whole model: weights cut off, no configuration or no tokenizer; or an adapter doesn't fit.",
        "Upload the model again, with config.json, the weights and the tokenizer's files.",
        nearer=(
            *("upload", "name the folder", "save it", "put the files", "name one of", "push the folder"),
            *("merge one", "train it", "name the one", "leave it out"),
        ),
    ),
    Reason.DATASET_INVALID: Advice(
        "No proof can be taken on the texts that gates.dataset names: they aren't there, are too few, or changed.",
        "Give a ConfigMap with at least 460 different texts, or leave gates.dataset out.",
        nearer=(
            "create it",
            "add it",
            "add some",
            "name the column",
            "name it",
            "save it as",
            "command refresh",
            "write one value",
            "quote texts",
        ),
    ),
    Reason.UNSUPPORTED_ARCHITECTURE: Advice(
        "The model's family, or its pooling, can't be converted yet.",
        "Use a model of an architecture that is; the message lists them.",
    ),
    Reason.UNSUPPORTED_TASK: Advice(
        "The model's task can't be served yet.",
        "Set spec.task to one that is, or give a model that has it; the message lists them.",
        nearer=("or give a model", "task:", "set spec.task"),
    ),
    Reason.UNSUPPORTED_PRECISION: Advice(
        "The machine that builds can't run this precision.",
        "Place builds with build.pod.nodeSelector, or choose Auto.",
    ),
    Reason.GATE_NOT_APPLICABLE: Advice(
        "A gate is set that the model's task has no figure for.",
        "Remove it from gates.parity.",
        nearer=("set task to", "leave gates.dataset out"),
    ),
    Reason.SHAPES_NOT_POSSIBLE: Advice(
        "The model has fewer positions than shapes.sequence asks for.",
        "Lower optimization.shapes.sequence.max.",
        nearer=("set optimization.shapes",),
    ),
    Reason.OUT_OF_MEMORY: Advice(
        "The conversion, or the server, needs more memory than it may use.",
        "Raise build.resources.limits.memory to what it asks for, or serving.resources.limits.memory.",
        nearer=("raise",),
    ),
    Reason.DISK_FULL: Advice(
        "The working disk is full, or the disk of the node that builds.", "Raise build.scratch.", nearer=("raise",)
    ),
    Reason.NO_CANDIDATE: Advice(
        "Auto: every candidate failed or missed the parity gate; the message says which and why.",
        "Name an engine and a precision to see its figures, or lower the gate.",
    ),
    Reason.CONVERSION_FAILED: Advice(
        "The conversion ended in an error of its own.",
        "Mend what the step's log names and command `retry <revision> <nonce>`, or report it as a bug.",
        nearer=("choose another engine", "of one version"),
    ),
    Reason.SERVER_REFUSED: Advice(
        "Triton refuses the model; the message has its words.",
        "Command `retry <revision> <nonce>` to build it anew; refused again, the image of Triton is the wrong one.",
        nearer=("build.resources",),
    ),
    Reason.REGISTRY_UNREACHABLE: Advice(
        "The registry of artifacts doesn't answer. It is asked again; what a build converted is kept until "
        "shortly before build.timeout.",
        "Check registry.external.push and registry.external.pull in the chart's values; a build that gave up needs "
        "the command retry.",
        nearer=("spec.source.artifact",),
    ),
    Reason.REGISTRY_UNAUTHORIZED: Advice(
        "The registry of artifacts doesn't accept the credentials.",
        "Correct registry.external.pushSecret in the chart's values.",
        nearer=("pullSecret",),
    ),
    Reason.REGISTRY_REFUSED: Advice(
        "The registry of artifacts answers, but doesn't take the artifact; the message has its words.",
        "Make the repository or project that registry.external.push names, where the registry wants that.",
    ),
    Reason.IMAGE_NOT_PULLABLE: Advice(
        "A node can't pull an image.", "Correct the image in the chart's values, or let the nodes pull it."
    ),
    Reason.NO_NODE_FITS: Advice(
        "No node has what the build asks for. It starts as soon as one has.",
        "Lower build.resources.requests or add a node.",
    ),
    Reason.DEADLINE_EXCEEDED: Advice("The build was not done in time.", "Raise build.timeout."),
    Reason.POD_LOST: Advice(
        "The build's pods were deleted or evicted more often than it is tried again.",
        "Command `retry <revision> <nonce>`.",
    ),
}

PASSING = frozenset(
    {
        Reason.DISK_FULL,
        Reason.NO_ROOM,
        Reason.NO_NODE_FITS,
        Reason.SOURCE_UNREACHABLE,
        Reason.REGISTRY_UNREACHABLE,
    }
)
"""Troubles that may go away without a person, as long as it is tried again: nothing is stalled by them."""

MISSED = frozenset({Reason.PARITY_MISSED, Reason.PERFORMANCE_MISSED, Reason.TOO_NOISY})
"""A build's own figures reject its revision, as long as its gates are these."""

LOST = frozenset({Reason.PODS_NOT_READY, Reason.PROXY_NOT_READY})
"""Nobody answers requests of a model that was served. It mends itself, and people are warned all the same."""


def with_fix(reason: Reason, message: str) -> str:
    """Return a message that ends in what to do: in its own words where it says that, else in those of its reason."""
    advice = ADVICE[reason]
    fix = advice.fix.removesuffix(".")
    fix = fix[0].lower() + fix[1:]
    if advice.fix == NONE or any(words in message for words in (fix, *advice.nearer)):
        return message
    return "; ".join(part for part in (message.rstrip(". \n"), fix) if part)
