"""What a registry's error means, for a build and for a server: one rule for the operator and for who asks."""

from __future__ import annotations

from collections.abc import Mapping

from modelyard.contract.steps import BuildReason
from modelyard.oci.errors import (
    DigestMismatch,
    InvalidReference,
    NotFound,
    RegistryError,
    RegistryUnauthorized,
    RegistryUnreachable,
    UnexpectedAnswer,
)
from modelyard.reasons import Reason

SOURCE_REASONS: Mapping[type[RegistryError], BuildReason] = {
    InvalidReference: BuildReason.SOURCE_NOT_FOUND,
    RegistryUnreachable: BuildReason.SOURCE_UNREACHABLE,
    RegistryUnauthorized: BuildReason.SOURCE_UNAUTHORIZED,
    NotFound: BuildReason.SOURCE_NOT_FOUND,
    DigestMismatch: BuildReason.DIGEST_MISMATCH,
    UnexpectedAnswer: BuildReason.SOURCE_INVALID,
}
"""Of the registry that a model comes from."""

ARTIFACT_REASONS: Mapping[type[RegistryError], BuildReason] = {
    InvalidReference: BuildReason.REGISTRY_REFUSED,
    RegistryUnreachable: BuildReason.REGISTRY_UNREACHABLE,
    RegistryUnauthorized: BuildReason.REGISTRY_UNAUTHORIZED,
    NotFound: BuildReason.REGISTRY_REFUSED,
    DigestMismatch: BuildReason.DIGEST_MISMATCH,
    UnexpectedAnswer: BuildReason.REGISTRY_REFUSED,
}
"""Of the registry that artifacts are pushed to."""


def pull_reason(error: Exception) -> Reason:
    """Return what it means for a server that its artifact could not be pulled."""
    if isinstance(error, NotFound):
        return Reason.ARTIFACT_GONE
    if isinstance(error, RegistryError):
        return Reason(ARTIFACT_REASONS[type(error)].value)
    return Reason.PODS_NOT_READY
