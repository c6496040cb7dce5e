"""Reading what a controller tells of the pods that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from modelyard.state.objects import Manifest
from modelyard.views.objects import time_from

FAILED, MADE = "FailedCreate", "SuccessfulCreate"
"""What the Job controller's events are called."""

_PREAMBLE = re.compile(r'^(?:\(combined from similar events\): )?(?:Error creating: )?(?:pods "[^"]*" is )?')


def refusal_in(events: Iterable[Manifest]) -> str | None:
    """Return why a Job gets no pod, by the Events about it: None unless its last try failed."""
    tries = [event for event in events if event["reason"] in {FAILED, MADE}]
    # A second has room for both: where no pod is left to be seen, the failure is what there is to tell.
    last = max(tries, key=lambda event: (_told_at(event), event["reason"] == FAILED), default=None)
    return refused_words(last.get("message", "")) if last is not None and last["reason"] == FAILED else None


def refused_words(message: str) -> str:
    """Return why a pod was not made, without its name: each try has another one, and would be told anew."""
    return _PREAMBLE.sub("", message, count=1)


def _told_at(event: Manifest) -> datetime:
    return time_from(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
