"""``modelyard pull REFERENCE FOLDER``: an artifact's files into a model's folder of a Triton repository.

The init container of serving pods, whose last words the operator tells. ``FOLDER`` then holds ``1/`` with the model,
``golden.json`` and, by ``--config``, ``config.pbtxt``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

from modelyard.cli.oci_options import RegistryProblem, add_plain_http, progress, repository

WORDS = 600
"""Characters of a message that are kept: six bytes each at the most, as JSON."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to pull, where to, and the model's configuration."""
    parser.add_argument("reference", metavar="HOST/REPOSITORY@DIGEST", help="the artifact")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the model's folder in a Triton repository")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a config.pbtxt to put beside the files")
    add_plain_http(parser)


def run(args: argparse.Namespace) -> int:
    """Pull; print what was written, and leave word of what kept it from that where a kubelet asks for it."""
    try:
        return _pulled(args)
    except RegistryProblem as problem:
        _leave_word(problem)
        raise


def _leave_word(problem: RegistryProblem) -> None:
    """Write the container's termination message (4 KiB at most). Only a container of a pod has a file for it."""
    from modelyard.oci.errors import RegistryError
    from modelyard.oci.reasons import pull_reason

    path = Path(os.environ.get("MODELYARD_TERMINATION_LOG", "/dev/termination-log"))
    if path.is_file():
        cause = problem.__cause__
        error = cause if isinstance(cause, RegistryError) else problem  # without advice for a person's shell
        words = {"reason": pull_reason(error), "message": str(error)[:WORDS]}
        path.write_text(json.dumps(words))


def _pulled(args: argparse.Namespace) -> int:
    from modelyard.oci.artifact import files_in, pull_file

    with repository(args.reference, plain_http=args.plain_http) as registry:
        described, layers = files_in(registry, registry.place.version)
        size = sum(layer.size for layer in layers)
        try:
            with progress("pulling", size) as advance:
                for layer in layers:
                    pull_file(registry, layer, args.folder, advance)
            if args.config:
                shutil.copyfile(args.config, args.folder / "config.pbtxt")
        except OSError as error:
            raise RegistryProblem(f"{args.folder} can't be written: {error}; give it room and write access") from error
    print(
        f"{registry.place.registry}/{registry.place.repository}@{described.digest}: {len(layers)} files, {size} bytes"
    )
    return 0
