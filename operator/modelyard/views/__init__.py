"""From the API server's JSON to the planner's views. Pure: the shell lists, these read."""

from modelyard.views.builds import build_desired_from, build_observed_from, build_view
from modelyard.views.events import refusal_in
from modelyard.views.models import desired_from, observed_from, proxy_pods, record_from
from modelyard.views.pods import pod_view

__all__ = [
    "build_desired_from",
    "build_observed_from",
    "build_view",
    "desired_from",
    "observed_from",
    "pod_view",
    "proxy_pods",
    "record_from",
    "refusal_in",
]
