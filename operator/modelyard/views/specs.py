"""Reading what others wrote: a spec strictly, a status tolerantly."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from modelyard.api.base import ApiModel
from modelyard.errors import SpecNotUnderstood
from modelyard.state.objects import Manifest

StatusT = TypeVar("StatusT", bound=ApiModel)


def not_understood(error: ValidationError, *, fix: str) -> SpecNotUnderstood:
    """Return the error that a spec can't be read with, naming each field. ``fix``: what helps beside an upgrade."""
    faults = "; ".join(f"spec.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return SpecNotUnderstood(f"stored by a newer version of the operator: {faults}; upgrade the operator, or {fix}")


def status_from(kind: type[StatusT], manifest: Manifest) -> StatusT:
    """Return an object's status; an empty one where a newer version wrote what this one can't read.

    Status is derived from the world and written again as a whole, so nothing is lost by it.
    """
    try:
        return kind.model_validate(manifest.get("status") or {})
    except ValidationError:
        return kind()
