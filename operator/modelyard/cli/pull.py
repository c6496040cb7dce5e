"""``modelyard pull REFERENCE FOLDER``: an artifact's files into a model's folder of a Triton repository.

The init container of serving pods. ``FOLDER`` then holds ``1/`` with the model, ``golden.json`` and, by ``--config``,
``config.pbtxt``.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from modelyard.cli.oci_options import RegistryProblem, add_plain_http, progress, repository


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to pull, where to, and the model's configuration."""
    parser.add_argument("reference", metavar="HOST/REPOSITORY@DIGEST", help="the artifact")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the model's folder in a Triton repository")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a config.pbtxt to put beside the files")
    add_plain_http(parser)


def run(args: argparse.Namespace) -> int:
    """Pull; print what was written."""
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
