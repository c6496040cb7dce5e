"""``python -m examples.demo [up|down] [--context NAME [--images PLACE]]``."""

from __future__ import annotations

import argparse
import subprocess
import sys

from examples.demo.follow import Followed, follow
from examples.demo.install import RELEASE, install_operator, remove_release
from examples.demo.kubectl import KubectlError
from examples.demo.ownership import CRD, has_our_kinds, mark_ours, refuse_another_s
from examples.demo.screen import Screen, table
from examples.demo.sentence_model import (
    REGISTRY_SERVICE,
    SYSTEM_NAMESPACE,
    WRITE_PORT,
    minilm_folder,
    push_folder,
)
from examples.demo.sentences import SENTENCES
from examples.demo.target import ROOT, Target, context_target, local_target
from tests.cluster.settings import cluster_from_environment

VENV = ROOT / ".venv"
MODEL = "minilm"
SECOND = "again"
"""The name under which the closing words apply the model once more."""
NAMESPACE = "default"
MANIFEST = ROOT / "examples" / "minilm.yaml"
REPOSITORY = "models/minilm:1"
LEAST_COSINE = 0.998
HEALTHY_SECONDS = 900.0
ROUNDS = 5
"""How often the sentences are asked, so that a 95th percentile means something."""


def up(context: str | None, images: str | None, settings: tuple[str, ...], screen: Screen) -> int:
    """Go from nothing to a served model and print what came of it; 1 if the answers differ."""
    with screen.step(f"Cluster: {context or 'local'}", speaks=True):
        target = context_target(context) if context else local_target()
    with screen.step("Operator: helm upgrade --install modelyard charts/modelyard"):
        system = target.cluster.within(SYSTEM_NAMESPACE)
        if not target.local:
            refuse_another_s(system)
        mark_ours(system)
        install_operator(target.cluster, images=images, settings=settings)
    with screen.step(f"Model: modelyard push all-MiniLM-L6-v2 to {REPOSITORY}", speaks=True):
        push_minilm(target, screen)
    with screen.step(f"kubectl apply -f {MANIFEST.relative_to(ROOT)}"):
        target.cluster.run("apply", f"--filename={MANIFEST}")
        followed = follow(target.cluster, MODEL, screen, seconds=HEALTHY_SECONDS)
    with screen.step(f"{len(SENTENCES)} sentences over HTTP and gRPC, and to PyTorch"):
        least = ask_and_compare(target, followed, screen)
    screen.say(closing_words(target))
    return 0 if least >= LEAST_COSINE else 1


def push_minilm(target: Target, screen: Screen) -> None:
    """Push the model folder to the cluster's registry, and say how the manifest names it."""
    with target.reach(REGISTRY_SERVICE, WRITE_PORT, namespace=SYSTEM_NAMESPACE) as (address,):
        ref = push_folder(target.cluster, minilm_folder(), REPOSITORY, registry_address=address)
    screen.say(f"    pods read it as {ref}")


def ask_and_compare(target: Target, followed: Followed, screen: Screen) -> float:
    """Print the table and return the worst agreement with PyTorch."""
    # torch takes seconds to import: here, and not before the first line is printed.
    from examples.demo.ask import ask_grpc, ask_http  # noqa: PLC0415 - torch is imported once it is needed
    from examples.demo.reference import sentence_encoder  # noqa: PLC0415 - torch is imported once it is needed
    from examples.demo.table import Outcome, rows  # noqa: PLC0415 - torch is imported once it is needed

    encoder = sentence_encoder(minilm_folder())
    texts = [encoder.tokens(text) for text in SENTENCES]
    with target.reach(MODEL, 8000, 8001, namespace=NAMESPACE) as (http, grpc):
        over_http, over_grpc = ask_http(http, MODEL, texts * ROUNDS), ask_grpc(grpc, MODEL, texts * ROUNDS)
    outcome = Outcome(
        followed=followed,
        over_http=over_http,
        over_grpc=over_grpc,
        right=encoder.embeddings(SENTENCES * ROUNDS),
    )
    screen.say(f"\n{table(rows(outcome))}\n")
    return outcome.least_cosine


def closing_words(target: Target) -> str:
    """Return what to type next."""
    cluster = target.cluster
    chosen = f"--context {cluster.context} " if cluster.context else ""
    export = f"  export KUBECONFIG={cluster.kubeconfig} PATH={ROOT}/.venv/bin:$PATH\n"
    down = f"make demo-down CONTEXT={cluster.context}" if cluster.context else "make demo-down"
    return (
        "Everything is left up. Look around:\n"
        f"{export}"
        f"  kubectl {chosen}get optimizedmodels,modelbuilds --output wide\n"
        f"  kubectl {chosen}describe optimizedmodel {MODEL}\n"
        "The same model under a second name starts no Job:\n"
        f"  sed 's/name: {MODEL}/name: {SECOND}/' {MANIFEST.relative_to(ROOT)} | kubectl {chosen}apply -f -\n"
        f"  kubectl {chosen}get optimizedmodel {SECOND} --watch\n"
        f"Remove it all: {down}"
    )


def down(context: str | None, screen: Screen) -> int:
    """Remove what ``up`` made: the local cluster whole, from another one the models and the operator.

    Raises NotOurs, before anything is deleted, where somebody else installed the operator.
    """
    if context is None:
        return down_local(screen)
    cluster = context_target(context).cluster
    system = cluster.within(SYSTEM_NAMESPACE)
    refuse_another_s(system)
    if system.get("namespace", SYSTEM_NAMESPACE) is None:
        screen.say(f"There is nothing to remove: {context} has no namespace {SYSTEM_NAMESPACE}.")
        return 0
    with screen.step(f"Models: kubectl delete optimizedmodel {MODEL} {SECOND}"):
        if has_our_kinds(system):
            cluster.run("delete", "optimizedmodel", MODEL, SECOND, "--ignore-not-found", "--wait", seconds=120)
    with screen.step(f"Operator: helm uninstall {RELEASE}"):
        remove_release(system, RELEASE)
    screen.say(
        "What the demo runs with is left on this machine. To delete it too:\n"
        f"  rm -r {VENV}\n"
        "The CRDs are left, since deleting them deletes every model of the cluster. To delete them too:\n"
        f"  kubectl --kubeconfig {cluster.kubeconfig} --context {context} "
        f"delete customresourcedefinition {CRD} modelbuilds.modelyard.dev"
    )
    return 0


def down_local(screen: Screen) -> int:
    """Remove the local cluster, and say what is left of it on this machine."""
    code = subprocess.run([sys.executable, "-m", "tests.cluster", "down"], cwd=ROOT, check=False).returncode
    if code == 0:
        screen.say(
            "What clusters are made of is left, for this checkout and others, and what the demo runs with. "
            "To delete it too:\n"
            f"  rm -r {cluster_from_environment().cache} {VENV}"
        )
    return code


def main() -> int:
    """Read the command line and do what it says; what goes wrong is said in one line."""
    parser = argparse.ArgumentParser(prog="examples.demo", description=__doc__)
    parser.add_argument("verb", nargs="?", choices=["up", "down"], default="up")
    parser.add_argument("--context", help="a context of ~/.kube/config instead of the local cluster")
    parser.add_argument("--images", help="where that cluster's nodes pull ours from: registry.example.com/modelyard")
    parser.add_argument("--set", action="append", default=[], help="a value of the chart, as for Helm: key=value")
    arguments = parser.parse_args()
    if arguments.images and not arguments.context:
        parser.error("--images goes with --context: the local cluster runs the images that it has just built")
    screen = Screen()
    try:
        if arguments.verb == "up":
            return up(arguments.context, arguments.images, tuple(arguments.set), screen)
        return down(arguments.context, screen)
    except (KubectlError, LookupError, OSError, RuntimeError, subprocess.CalledProcessError) as error:
        screen.say(f"\nThe demo stopped: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
