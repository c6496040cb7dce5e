"""What tests do with builds, and hold of them."""

from __future__ import annotations

from examples.demo.kubectl import Object
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

OURS = "app.kubernetes.io/managed-by=modelyard"


def built(yard: Yard, name: str, source: Object) -> Object:
    """Apply a model and return its build once it is Healthy."""
    yard.submit(name, source)
    build = yard.cluster.get("modelbuild", yard.healthy(name)["status"]["build"])
    assert build is not None
    return build


def assert_one_build(yard: Yard, name: str, *, pods: int, former: int = 0) -> None:
    """One ModelBuild was made, its Jobs started this many pods, and nothing is left once its only model goes.

    ``former`` builds were there before, found in the registry: they started no pod.
    """
    assert len(yard.cluster.list("modelbuilds")) == former + 1
    assert yard.build_pods_started().total() == pods
    yard.remove(name)
    wait_for(
        lambda: not yard.cluster.list("jobs,modelbuilds,configmaps,secrets,pods", OURS),
        seconds=60,
        what="rid of what was ours",
        cluster=yard.cluster,
    )
