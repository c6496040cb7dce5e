"""``modelyard build -f FILE --output FOLDER``: what the build Job would make of a manifest, made on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from modelyard.cli.oci_options import add_plain_http

NOT_PROVEN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the manifest and where the result goes."""
    parser.add_argument("-f", "--file", type=Path, required=True, metavar="FILE", help="an OptimizedModel's manifest")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the result goes")
    add_plain_http(parser)


def run(args: argparse.Namespace) -> int:
    """Build; print the figures and the artifact's digest. Returns 3 where a gate is not passed."""
    from modelyard.local.build import build, check_free
    from modelyard.local.inputs import inputs_of
    from modelyard.local.manifest import read_manifest

    model = read_manifest(args.file)
    check_free(args.output)
    inputs = inputs_of(model, args.file, plain_http=args.plain_http)
    built = build(model.spec, inputs, args.output, lambda line: print(line, file=sys.stderr, flush=True))
    proof = built.proof(model.spec)
    report = built.report
    print(f"{report.engine} {report.precision}: {proof.finding.reason}: {proof.finding.message}")
    print(f"asked in {report.served_by}; {built.size} bytes in {built.folder}")
    print(built.digest)
    return 0 if proof.passed else NOT_PROVEN
