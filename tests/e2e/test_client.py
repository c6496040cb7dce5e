"""The client that judges the others: whatever can go wrong with an answer is counted, and never tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.e2e.client import UNSENT, Address, Load, Verdict, steady_load
from tests.e2e.questions import HEADER_LENGTH, Standard, encode

RIGHT = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
STANDARD = Standard(answers=RIGHT, tolerance=0.01)
QUESTIONS = [{"input_ids": np.array([[n]]), "attention_mask": np.array([[1]])} for n in range(2)]

Behaviour = Callable[[int], tuple[int, np.ndarray | None, str]]
"""From the count of requests so far to status, answer (None: an empty reply) and revision. Status 0 cuts the line."""


@contextmanager
def server(behaviour: Behaviour) -> Iterator[tuple[Address, list[int]]]:
    """Run a server of both protocols; the list grows by the question of each request that arrived."""
    arrived: list[int] = []

    class Http(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            question = int.from_bytes(body[int(self.headers[HEADER_LENGTH]) :][:8], "little")
            arrived.append(question)
            status, answer, revision = behaviour(question)
            if status == 0:
                self.close_connection = True
                return
            header = _http_header(answer)
            payload = header + (b"" if answer is None else answer.tobytes())
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.send_header(HEADER_LENGTH, str(len(header)))
            self.send_header("x-modelyard-revision", revision)
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    class Grpc(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # comes without types
        def ModelInfer(  # noqa: N802 - the protocol's name
            self, request: service_pb2.ModelInferRequest, context: grpc.ServicerContext
        ) -> service_pb2.ModelInferResponse:
            question = int.from_bytes(request.raw_input_contents[0], "little")
            arrived.append(question)
            status, answer, revision = behaviour(question)
            if status != 200:
                context.abort(grpc.StatusCode.UNAVAILABLE, "away")
            context.set_trailing_metadata((("x-modelyard-revision", revision),))
            reply = service_pb2.ModelInferResponse(model_name="m")
            if answer is not None:
                reply.outputs.add(name="embedding", datatype="FP32", shape=[1, 2])
                reply.raw_output_contents.append(answer.tobytes())
            return reply

    http = ThreadingHTTPServer(("127.0.0.1", 0), Http)
    thread = Thread(target=http.serve_forever)
    thread.start()
    grpc_server = grpc.server(ThreadPoolExecutor(4))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Grpc(), grpc_server)
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    try:
        yield Address(http=f"127.0.0.1:{http.server_port}", grpc=f"127.0.0.1:{port}"), arrived
    finally:
        grpc_server.stop(None).wait()
        http.shutdown()
        http.server_close()
        thread.join()


def _http_header(answer: np.ndarray | None) -> bytes:
    if answer is None:
        return b'{"model_name":"m","model_version":"1","outputs":[]}'
    output = '{"name":"embedding","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}'
    return f'{{"model_name":"m","model_version":"1","outputs":[{output}]}}'.encode()


def verdict_on(behaviour: Behaviour, *, requests: int = 12) -> tuple[Verdict, list[int]]:
    """Ask a server that behaves so this many times."""
    with server(behaviour) as (address, arrived):
        with steady_load(address, "m", QUESTIONS, rate=60, most_seconds=requests / 60) as load:
            load.finished(10)
        return load.verdict({"aaaa": STANDARD}), arrived


def test_right_answers_are_clean() -> None:
    verdict, arrived = verdict_on(lambda question: (200, RIGHT[question], "aaaa"))
    assert verdict.clean, str(verdict)
    assert (verdict.requests, verdict.revisions["aaaa"]) == (12, 12)
    assert sorted(arrived) == [0] * 6 + [1] * 6


def answers_of_another(question: int) -> tuple[int, np.ndarray, str]:
    return 200, RIGHT[1 - question], "aaaa"


def no_numbers(_question: int) -> tuple[int, np.ndarray, str]:
    return 200, np.full(2, np.nan, dtype=np.float32), "aaaa"


def no_revision(question: int) -> tuple[int, np.ndarray, str]:
    return 200, RIGHT[question], ""


def another_revision(question: int) -> tuple[int, np.ndarray, str]:
    return 200, RIGHT[question], "bbbb"


@pytest.mark.parametrize("behaviour", [answers_of_another, no_numbers, no_revision, another_revision])
def test_wrong_answers_are_counted(behaviour: Behaviour) -> None:
    verdict, _ = verdict_on(behaviour)
    assert not verdict.clean
    assert (len(verdict.wrong), verdict.failed) == (12, 0)


def unavailable(question: int) -> tuple[int, np.ndarray, str]:
    return 503, RIGHT[question], "aaaa"


def empty(_question: int) -> tuple[int, None, str]:
    return 200, None, "aaaa"


def cut_off(question: int) -> tuple[int, np.ndarray, str]:
    return 0, RIGHT[question], "aaaa"


@pytest.mark.parametrize("behaviour", [unavailable, empty, cut_off])
def test_failures_are_counted_and_not_tried_again(behaviour: Behaviour) -> None:
    verdict, arrived = verdict_on(behaviour)
    assert not verdict.clean
    assert (verdict.failed, len(verdict.wrong), len(arrived)) == (12, 0, 12)


class Stub:
    """Fails as many calls as there are details, and answers those after."""

    def __init__(self, *details: str) -> None:
        self.details = list(details)
        self.calls = 0

    async def ModelInfer(self, _request: object, timeout: float) -> str:  # noqa: ASYNC109, N802 - as the protocol has it
        assert timeout > 0
        self.calls += 1
        if self.details:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, self.details.pop(0))
        return "answer"


GOING = f"{UNSENT}; Error code: 0; Debug Text: )"


async def sent(stub: Stub) -> tuple[Load, list[str]]:
    """Send a call to what answers so; return the load that counts it, and the answers."""
    load = Load(address=Address(http="", grpc=""), questions=[], output="", rate=1, most_seconds=0)
    answers = []
    with suppress(grpc.aio.AioRpcError):
        answers.append((await load.send(stub, encode("m", "embedding", QUESTIONS[0])))[1])
    return load, answers


async def test_a_call_that_never_left_is_sent_once_more_and_counted() -> None:
    stub = Stub(GOING)
    load, answers = await sent(stub)
    assert (answers, stub.calls, load.resent) == (["answer"], 2, 1)


@pytest.mark.parametrize(("details", "calls"), [([GOING, GOING], 2), (["Connection reset by peer"], 1)])
async def test_nothing_else_is_sent_again(details: list[str], calls: int) -> None:
    stub = Stub(*details)
    load, answers = await sent(stub)
    assert (answers, stub.calls, load.resent) == ([], calls, calls - 1)


def test_what_was_sent_once_more_is_right_but_not_clean() -> None:
    verdict, _ = verdict_on(lambda question: (200, RIGHT[question], "aaaa"))
    again = replace(verdict, resent=1)
    assert (verdict.clean, again.right, again.clean) == (True, True, False)


def test_nobody_there_is_a_failure_of_each_request() -> None:
    with server(cut_off) as (address, _):
        pass
    with steady_load(address, "m", QUESTIONS, rate=60, most_seconds=0.2) as load:
        load.finished(10)
    verdict = load.verdict({"aaaa": STANDARD})
    assert (verdict.failed, verdict.clean) == (12, False)


def test_no_request_at_all_is_not_clean() -> None:
    with server(cut_off) as (address, _), steady_load(address, "m", QUESTIONS, most_seconds=0) as load:
        pass
    assert not load.verdict({"aaaa": STANDARD}).clean
