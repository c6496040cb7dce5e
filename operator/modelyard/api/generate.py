"""``python -m modelyard.api.generate [--check] [FOLDER...]``: write the CRDs, or fail where they differ from the types.

The chart has a copy of its own: Helm reads nothing outside of a chart.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from modelyard.api.crds import crds

FOLDERS = (Path("crds"), Path("charts/modelyard/files/crds"))

_HEADER = "# Generated from operator/modelyard/api by `make crds`; edit the types there.\n"


class _Dumper(yaml.SafeDumper):
    """Writes every value in full: no anchors, which a reader of YAML has to resolve."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Say that nothing is shared."""
        return True


def crd_files() -> dict[str, str]:
    """Return the text of each file by its name, ``<group>_<plural>.yaml``."""
    files = {}
    for crd in crds():
        plural, group = crd["metadata"]["name"].split(".", 1)
        files[f"{group}_{plural}.yaml"] = _HEADER + yaml.dump(crd, Dumper=_Dumper, sort_keys=False, width=120)
    return files


def main(arguments: list[str] | None = None) -> int:
    """Write or check; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m modelyard.api.generate", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=FOLDERS)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file differs")
    options = parser.parse_args(arguments)
    files = {folder / name: text for folder in options.folders for name, text in crd_files().items()}
    if not options.check:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return 0
    stale = sorted(str(file) for file, text in files.items() if _read(file) != text)
    if stale:
        sys.stderr.write(f"{', '.join(stale)} differ from the types; run `make crds`\n")
    return 1 if stale else 0


def _read(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


if __name__ == "__main__":
    sys.exit(main())
