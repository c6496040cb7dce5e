"""Anything may happen to a model, in any order."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.modelyard.planner.machine import Yard

TestYard = Yard.TestCase
TestYard.settings = settings(
    max_examples=80, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
