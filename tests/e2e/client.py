"""A client that never retries: steady open-loop load over HTTP and gRPC, every answer held to its standard.

Requests start on a clock, whether earlier ones are answered or not, so that a pause of the server shows itself
as waiting requests and not as fewer of them. httpx and a bare gRPC channel instead of ``tritonclient``: its HTTP
client sends a request again when a kept connection turns out to be closed, and neither shows the revision.

One thing is sent once more, and counted: a call that never left this process, since it was given to a connection in
the moment in which the proxy asked to close it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import grpc
import grpc.aio
import httpx
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2_grpc

from tests.e2e.questions import HEADER_LENGTH, Standard, Tokens, Wire, encode, grpc_answer, http_answer

REVISION_HEADER = "x-modelyard-revision"
RATE = 12
"""Requests a second, over both protocols together, unless a test asks for another: a fault of a second shows itself,
and two cores have the time to answer them beside builds."""
PATIENCE_SECONDS = 20.0
"""How long one request may take before it counts as failed."""
UNSENT = "Stream removed (GOAWAY received"
"""What gRPC says of a call that it had not begun to write when its connection was asked to close."""


class Protocol(StrEnum):
    """How a question travelled."""

    HTTP = "http"
    GRPC = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of one request. ``answer`` is None when it failed, and then ``failure`` says how."""

    protocol: Protocol
    question: int
    started: float  # seconds since the load began
    seconds: float
    revision: str = ""
    answer: NDArray[np.float32] | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a model is reached: host:port of each protocol."""

    http: str
    grpc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The count of a load. ``wrong`` replies came, but differ from the standard of the revision they name.

    ``resent``: requests that were sent once more, as they had not left.
    """

    requests: int
    resent: int
    failures: Counter[str]
    wrong: tuple[str, ...]
    revisions: Counter[str]
    slowest_seconds: float

    @property
    def failed(self) -> int:
        """Return how many requests got no answer."""
        return self.failures.total()

    @property
    def right(self) -> bool:
        """Return whether there were requests and each was answered rightly."""
        return self.requests > 0 and not self.failures and not self.wrong

    @property
    def clean(self) -> bool:
        """Return whether, besides, each was sent once: only a proxy that goes away is an excuse."""
        return self.right and not self.resent

    def __str__(self) -> str:
        """Return the count as a sentence for a failing test."""
        return (
            f"{self.requests} requests, {self.resent} sent once more, {self.failed} failed {dict(self.failures)}, "
            f"{len(self.wrong)} wrong {list(self.wrong[:5])}, "
            f"slowest {self.slowest_seconds:.2f} s, answered by {dict(self.revisions)}"
        )


@dataclass(slots=True, kw_only=True)
class Load:
    """Load that runs in a thread of its own. ``rate`` is requests a second over both protocols together."""

    address: Address
    questions: Sequence[Wire]
    output: str
    rate: float
    most_seconds: float
    replies: list[Reply] = field(default_factory=list)
    resent: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _begun: float = 0.0
    _done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Send until ``stop``, and for ``most_seconds`` at most; then wait for what is under way."""
        try:
            asyncio.run(self._send_all())
        finally:
            self._done.set()

    def finished(self, seconds: float) -> bool:
        """Wait until all that may be sent is sent and answered, and return whether it is."""
        return self._done.wait(seconds)

    def stop(self) -> None:
        """Send nothing more."""
        self._over.set()

    def answered(self, revision: str) -> int:
        """Return how many answers so far came from ``revision``."""
        return sum(reply.revision == revision for reply in list(self.replies))

    def verdict(self, standards: Mapping[str, Standard]) -> Verdict:
        """Hold every reply against the standard of the revision that it names; an unnamed one is wrong."""
        answered = [reply for reply in self.replies if reply.answer is not None]
        return Verdict(
            requests=len(self.replies),
            resent=self.resent,
            failures=Counter(f"{reply.protocol}: {reply.failure}" for reply in self.replies if reply.failure),
            wrong=tuple(fault for reply in answered if (fault := _fault(reply, standards))),
            revisions=Counter(reply.revision for reply in answered),
            slowest_seconds=max((reply.seconds for reply in self.replies), default=0.0),
        )

    async def _send_all(self) -> None:
        self._begun = time.monotonic()
        # Without this option gRPC sends a call again by itself, those too that a server refused.
        channel = grpc.aio.insecure_channel(self.address.grpc, options=[("grpc.enable_retries", 0)])
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=8)
        async with (
            channel,
            httpx.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits, trust_env=False) as client,
        ):
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            async with asyncio.TaskGroup() as tasks:
                for count in range(int(self.rate * self.most_seconds)):
                    await asyncio.sleep(self._begun + count / self.rate - time.monotonic())
                    if self._over.is_set():
                        break
                    question = count // 2 % len(self.questions)
                    ask = self._over_grpc(stub, question) if count % 2 else self._over_http(client, question)
                    tasks.create_task(ask)

    async def _over_http(self, client: httpx.AsyncClient, question: int) -> None:
        wire, started = self.questions[question], time.monotonic()
        url = f"http://{self.address.http}/v2/models/{wire.grpc_request.model_name}/infer"
        headers = {HEADER_LENGTH: str(wire.http_header_length), "content-type": "application/octet-stream"}
        try:
            reply = await client.post(url, content=wire.http_body, headers=headers)
        except httpx.HTTPError as error:
            self._note(Protocol.HTTP, question, started, failure=type(error).__name__)
            return
        if reply.status_code != httpx.codes.OK:
            self._note(Protocol.HTTP, question, started, failure=f"{reply.status_code} {reply.text[:120]}")
            return
        answer = http_answer(reply.content, reply.headers.get(HEADER_LENGTH), self.output)
        self._note(Protocol.HTTP, question, started, answer, reply.headers.get(REVISION_HEADER, ""))

    async def _over_grpc(self, stub: service_pb2_grpc.GRPCInferenceServiceStub, question: int) -> None:
        wire, started = self.questions[question], time.monotonic()
        try:
            call, reply = await self.send(stub, wire)
        except grpc.aio.AioRpcError as error:
            failure = f"{error.code().name} {(error.details() or '')[:120]}"
            self._note(Protocol.GRPC, question, started, failure=failure)
            return
        metadata = {**_text(await call.initial_metadata()), **_text(await call.trailing_metadata())}
        answer = grpc_answer(reply, self.output)
        self._note(Protocol.GRPC, question, started, answer, metadata.get(REVISION_HEADER, ""))

    async def send(self, stub: service_pb2_grpc.GRPCInferenceServiceStub, wire: Wire) -> tuple[Any, Any]:
        """Return a call and its reply. One that never left this process is sent once more.

        Clients with gRPC's defaults do the same; this one may not keep them, as they send again what a server refused.
        """
        try:
            call = stub.ModelInfer(wire.grpc_request, timeout=PATIENCE_SECONDS)
            return call, await call
        except grpc.aio.AioRpcError as error:
            if UNSENT not in (error.details() or ""):
                raise
        self.resent += 1
        call = stub.ModelInfer(wire.grpc_request, timeout=PATIENCE_SECONDS)
        return call, await call

    def _note(
        self,
        protocol: Protocol,
        question: int,
        started: float,
        answer: NDArray[np.float32] | None = None,
        revision: str = "",
        *,
        failure: str = "",
    ) -> None:
        """An answer without bytes is a failure: Triton has been seen to reply 200 with an empty body."""
        self.replies.append(
            Reply(
                protocol=protocol,
                question=question,
                started=started - self._begun,
                seconds=time.monotonic() - started,
                revision=revision,
                answer=answer,
                failure=failure or ("" if answer is not None else "no output in the reply"),
            )
        )


def _text(metadata: grpc.aio.Metadata | None) -> dict[str, str]:
    return {key: str(value) for key, value in metadata or ()}


def _fault(reply: Reply, standards: Mapping[str, Standard]) -> str:
    """Return what is wrong with an answer, or nothing."""
    assert reply.answer is not None  # chosen so by the caller
    standard = standards.get(reply.revision)
    if standard is None:
        return f"{reply.protocol} answered by revision {reply.revision!r}, known are {sorted(standards)}"
    distance = standard.distance(reply.question, reply.answer)
    if distance <= standard.tolerance:
        return ""
    about = f"{reply.protocol} question {reply.question} by {reply.revision}"
    return f"{about}: {distance:.5f} > {standard.tolerance}"


@contextmanager
def steady_load(
    address: Address,
    model: str,
    texts: Sequence[Tokens],
    *,
    output: str = "embedding",
    rate: float = RATE,
    most_seconds: float = 600,
) -> Iterator[Load]:
    """Keep the model under load for the length of the block; the load's verdict is complete after it.

    No test has longer than ten minutes: unless it asks for less, its load doesn't end before what it is there for.
    """
    questions = [encode(model, output, tokens) for tokens in texts]
    load = Load(address=address, questions=questions, output=output, rate=rate, most_seconds=most_seconds)
    thread = threading.Thread(target=load.run, name="load")
    thread.start()
    try:
        yield load
    finally:
        load.stop()
        thread.join()
