"""``modelyard push FOLDER oci://HOST/REPOSITORY:TAG``: a model or an adapter into a registry, to be named as source."""

from __future__ import annotations

import argparse
from pathlib import Path

from modelyard.cli.oci_options import RegistryProblem, add_plain_http, progress, repository
from modelyard.errors import ModelyardError


class NoModelFolder(ModelyardError):
    """The folder isn't one that a build could start from."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folder and where it goes."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a model's folder, or a LoRA adapter's")
    parser.add_argument("reference", metavar="oci://HOST/REPOSITORY:TAG", help="where to push it")
    add_plain_http(parser)


def run(args: argparse.Namespace) -> int:
    """Push; print the reference by digest. Pods may know the registry by another host, or port."""
    from modelyard.oci.artifact import MODEL_TYPE, image_of, push
    from modelyard.oci.layers import layers_of

    _check(args.folder)
    with repository(args.reference, plain_http=args.plain_http) as registry:
        place = registry.place
        if place.tag is None:
            raise RegistryProblem(f"{args.reference} has no tag to push to; write oci://HOST/REPOSITORY:TAG")
        image = image_of(layers_of(args.folder), MODEL_TYPE)
        with progress(f"pushing {args.folder.name}", image.size) as advance:
            pushed = push(registry, image, place.tag, advance)
    print(f"{place.registry}/{place.repository}@{pushed.digest}")
    return 0


def _check(folder: Path) -> None:
    """Raise NoModelFolder for a folder that no build could read."""
    if not folder.is_dir():
        raise NoModelFolder(f"{folder} is no folder; name the one that holds the model's config.json")
    if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
        raise NoModelFolder(f"{folder} has no config.json; save the model with save_pretrained() and push that folder")
