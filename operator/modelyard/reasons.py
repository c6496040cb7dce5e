"""Every reason that a condition or an event can carry: one closed set, each with its meaning and its fix."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Advice(NamedTuple):
    """What a reason means, and what to do about it."""

    meaning: str
    fix: str


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
    PROMOTED = "Promoted"
    STARTING = "Starting"
    WARMING = "Warming"
    SWITCHING = "Switching"
    RETIRING = "Retiring"
    ROLLED_OUT = "RolledOut"
    WAITING = "Waiting"
    SUSPENDED = "Suspended"
    RECONCILING = "Reconciling"
    # a person is asked
    HELD = "Held"
    COMMAND_DONE = "CommandDone"
    COMMAND_IGNORED = "CommandIgnored"
    # something is in the way
    NO_ROOM = "NoRoom"
    NAME_TAKEN = "NameTaken"
    OBJECT_REFUSED = "ObjectRefused"
    NOT_SUPPORTED_YET = "NotSupportedYet"
    SPEC_NOT_UNDERSTOOD = "SpecNotUnderstood"
    HOST_NOT_ALLOWED = "HostNotAllowed"
    PARITY_MISSED = "ParityMissed"
    PERFORMANCE_MISSED = "PerformanceMissed"
    TOO_NOISY = "TooNoisy"
    GOLDEN_MISMATCH = "GoldenMismatch"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    PODS_NOT_READY = "PodsNotReady"
    PROXY_NOT_READY = "ProxyNotReady"
    # a failed build, by contract.BuildReason's names
    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_UNAUTHORIZED = "SourceUnauthorized"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    DIGEST_MISMATCH = "DigestMismatch"
    SOURCE_INVALID = "SourceInvalid"
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
    IMAGE_NOT_PULLABLE = "ImageNotPullable"
    NO_NODE_FITS = "NoNodeFits"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    POD_LOST = "PodLost"
