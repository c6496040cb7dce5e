"""Writes reference pages from the CRDs and the set of reasons when the site is built: they cannot fall behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from modelyard.reasons import ADVICE, Reason

ROOT = Path(__file__).resolve().parents[2]

Schema = Mapping[str, Any]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add ``reference/<kind>.md`` for each CRD, and ``reference/reasons.md`` (a hook that MkDocs calls)."""
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        kind = crd["spec"]["names"]["kind"]
        files.append(File.generated(config, f"reference/{kind.lower()}.md", content=page(crd)))
    files.append(File.generated(config, "reference/reasons.md", content=reasons_page()))
    return files


def reasons_page() -> str:
    """Return the page of all reasons: what each means, and what to do about it."""
    rows = [f"| `{reason}` | {ADVICE[reason].meaning} | {ADVICE[reason].fix} |" for reason in Reason]
    intro = (
        "The reasons of conditions and events, of both kinds. The message beside one has the names and numbers of the "
        "case: `kubectl describe om NAME` shows both."
    )
    return "\n".join(
        ["# Reasons", "", intro, "", "| reason | meaning | what to do |", "| --- | --- | --- |", *rows, ""]
    )


def page(crd: Schema) -> str:
    """Return the page of one CRD: what it is, its fields, its status, its columns."""
    names, version = crd["spec"]["names"], crd["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    header = f"`apiVersion: {crd['spec']['group']}/{version['name']}`, `kind: {names['kind']}`"
    parts = [
        f"# {names['kind']}",
        schema["description"],
        f"{header}; short: `kubectl get {names['shortNames'][0]}`.",
    ]
    for part in ("spec", "status"):
        parts += [f"## {part.capitalize()}", table(fields(schema["properties"][part], part))]
    return "\n\n".join(parts) + "\n"


def table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    """Return the fields as a Markdown table."""
    head = ["| field | type | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join(head + [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows])


def fields(schema: Schema, path: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield (path, type, default, meaning) of each field below ``schema``, parents before their children."""
    items = schema.get("items", {})
    for name, field in (schema.get("properties") or items.get("properties") or {}).items():
        here = f"{path}[].{name}" if items else f"{path}.{name}"
        default = f"`{field['default']}`" if "default" in field else ""
        yield f"`{here}`", kind(field), default, meaning(field)
        yield from fields(field, here)


def kind(field: Schema) -> str:
    """Return a field's type as people say it: the words of an enum, ``list of string``, ``integer or string``."""
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "items" in field:
        return f"list of {kind(field['items'])}"
    return str(field.get("type", "object"))


def meaning(field: Schema) -> str:
    """Return a field's description and the words of its rules, on one line."""
    rules = [rule["message"] for rule in field.get("x-kubernetes-validations", ()) if "message" in rule]
    return " ".join(" ".join([field.get("description", ""), *(f"*{rule}.*" for rule in rules)]).split())
