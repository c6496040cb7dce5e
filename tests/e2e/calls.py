"""What the operator asks of the API server, by its own count. Kopf's watches are not in it: they are its only ones."""

from __future__ import annotations

import re
from collections import Counter

import httpx

from examples.demo.kubectl import Object
from modelyard.settings import Lease

COUNTED = re.compile(r'^modelyard_api_calls_total\{.*method="(?P<method>\w+)".*\} (?P<count>\d+)$', re.MULTILINE)


def calls_of(operator: Object) -> Counter[str]:
    """Return the calls by method that an operator's pod counted. Reads from the pod, within the local cluster."""
    page = httpx.get(f"http://{operator['status']['podIP']}:8080/metrics", trust_env=False).raise_for_status().text
    calls = Counter[str]()
    for found in COUNTED.finditer(page):
        calls[found["method"]] += int(found["count"])
    return calls


def beside_the_lease(calls: Counter[str]) -> int:
    """Return how many of a leader's calls are none of the lease's, which is renewed by PUT.

    A status is written by PUT as well, but never before its pass has read the object.
    """
    return calls.total() - calls["PUT"]


def most_renewals(seconds: float) -> int:
    """Return how often the lease is renewed in so long a time, at most."""
    return int(seconds / Lease().renew_seconds) + 1
