"""kubectl whose reads go over one open connection: tests look many times a second, at 70 ms of CPU for a kubectl."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kubernetes.client.exceptions import ApiException
from kubernetes.config import new_client_from_config
from kubernetes.dynamic import DynamicClient, Resource
from kubernetes.dynamic.exceptions import NotFoundError
from kubernetes.dynamic.resource import ResourceList
from urllib3.exceptions import HTTPError

from examples.demo.kubectl import Kubectl, KubectlError, Object

SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader(Kubectl):
    """``get`` and ``list`` without a child process; what users type stays with kubectl."""

    def get(self, kind: str, name: str) -> Object | None:
        """Return the object, or None if there is none of that name."""
        try:
            return self._answer(self._resource(kind), name=name)
        except NotFoundError:
            return None

    def list(self, kind: str, selector: str | None = None) -> list[Object]:
        """Return the objects of a kind (of several: ``pods,secrets``), those with the labels of a selector."""
        return [item for one in kind.split(",") for item in self._items(one, selector)]

    def _items(self, kind: str, selector: str | None) -> Iterator[Object]:
        """Yield objects that name their kind: the API server says it of the list alone."""
        resource = self._resource(kind)
        named = {"apiVersion": resource.group_version, "kind": resource.kind}
        yield from (named | item for item in self._answer(resource, label_selector=selector)["items"])

    def _resource(self, kind: str) -> Resource:
        """Return the resource of this plural or singular name, of the core group before others."""
        with _told(kind):
            known = _client(self.kubeconfig, self.context).resources
            found = known.search(name=kind) or known.search(singular_name=kind)
            by_group: dict[str, Resource] = {str(one.group): one for one in found if not isinstance(one, ResourceList)}
        if not by_group:
            raise KubectlError(("get", kind), "the server knows no resource of this name")
        return by_group[min(by_group)]

    def _answer(self, resource: Resource, **which: Any) -> Object:
        client = _client(self.kubeconfig, self.context)
        with _told(resource.name):
            answer = client.get(resource, namespace=self.namespace, serialize=False, _request_timeout=SECONDS, **which)
        found: Object = json.loads(answer.data)
        return found


@contextmanager
def _told(kind: str) -> Iterator[None]:
    """Raise what kubectl would for what goes wrong, but for an object that isn't there."""
    try:
        yield
    except NotFoundError:
        raise
    except (ApiException, HTTPError) as error:
        raise KubectlError(("get", kind), str(error)) from error


@cache
def _client(kubeconfig: Path, context: str | None) -> DynamicClient:
    """Return the process's client of a cluster. What the cluster knows is noted in a file that nobody else reads."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    client = new_client_from_config(config_file=str(kubeconfig), context=context)
    return DynamicClient(client, cache_file=f"{folder}/discovery.json")
