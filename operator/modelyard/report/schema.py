"""``python -m modelyard.report.schema [--check] [FILE]``: write the report's JSON Schema, or fail where it differs.

A report that validates has every field that this version promises; it may have more, since the shape only grows.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TypeAlias

from modelyard.contract.report import BuildReport

FILE = Path("docs/reference/report.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTITY = "https://modelyard.dev/schemas/report.v1.json"

Node: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | None"


def schema() -> Node:
    """Return the schema of ``report.json``."""
    return _on_one_line({"$schema": DIALECT, "$id": IDENTITY} | BuildReport.model_json_schema(by_alias=True))


def schema_text() -> str:
    """Return the schema's file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or check; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m modelyard.report.schema", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the file differs")
    options = parser.parse_args(arguments)
    file, text = options.file, schema_text()
    if not options.check:
        file.write_text(text)
        return 0
    if file.exists() and file.read_text() == text:
        return 0
    sys.stderr.write(f"{file} differs from the types; run `make crds`\n")
    return 1


def _on_one_line(node: Node) -> Node:
    """Return a schema whose descriptions have no line breaks and no marks of reStructuredText."""
    if isinstance(node, list):
        return [_on_one_line(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        key: " ".join(value.replace("``", "").split())
        if key == "description" and isinstance(value, str)
        else _on_one_line(value)
        for key, value in node.items()
    }


if __name__ == "__main__":
    sys.exit(main())
