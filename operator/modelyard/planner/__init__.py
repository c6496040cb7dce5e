"""What to do, decided from data alone: no I/O, no clock, no chance."""

from modelyard.planner.build import asks_registry, plan_build
from modelyard.planner.commands import retried_build
from modelyard.planner.model import needs_pin, plan_model, wanted_builds

__all__ = ["asks_registry", "needs_pin", "plan_build", "plan_model", "retried_build", "wanted_builds"]
