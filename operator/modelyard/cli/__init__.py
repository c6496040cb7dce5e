"""``modelyard``: one verb a module, imported when it runs, so that ``--help`` is there at once.

A verb's module has ``add_arguments(parser)`` and ``run(args) -> int``. What a user can mend is raised as a
ModelyardError, whose message says the fix; it is printed without a traceback.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Mapping, Sequence

from modelyard.errors import ModelyardError

VERBS: Mapping[str, str] = {
    "push": "push a model folder to a registry, as a source of an OptimizedModel",
    "build": "build a manifest's model on this machine, without a cluster",
    "pull": "write an artifact's files into a Triton repository (what a serving pod does first)",
    "report": "show what a build measured, of an artifact in a registry",
    "run": "run the operator (what its image does)",
    "version": "print the version",
}

USER_ERROR = 1
INTERRUPTED = 130
TERMINATED = 143


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code: 0 done, 1 the user's mistake or the world's, 2 a wrong command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = _parser(words).parse_args(words)
    # The first process of a container has no default action for SIGTERM: without one, a pod would not stop in time.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        return int(args.run(args))
    except ModelyardError as error:
        print(f"modelyard: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only the verb that ``words`` name is imported."""
    parser = argparse.ArgumentParser(
        prog="modelyard", description="Transformers on Kubernetes, from source to proven traffic."
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for verb, summary in VERBS.items():
        subparser = verbs.add_parser(verb, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if verb == chosen:
            module = importlib.import_module(f"modelyard.cli.{verb}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser
