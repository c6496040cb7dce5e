"""The queue: one pass a key at a time, one more for what happened meanwhile, longer waits after failures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from modelyard.queue import Backlog, Backoff, Queue, Work
from tests.modelyard.waiting import until

KEYS = st.sampled_from("abc")
BACKOFF = Backoff(first=1.0, limit=60.0, spread=0.5)


def test_keys_run_in_the_order_in_which_they_were_woken() -> None:
    backlog: Backlog[str] = Backlog()
    for key in "bab":
        backlog.wake(key)
    assert [backlog.take(0), backlog.take(0), backlog.take(0)] == ["b", "a", None]


def test_events_during_a_pass_cause_exactly_one_more() -> None:
    backlog: Backlog[str] = Backlog()
    backlog.wake("a")
    backlog.take(0)
    for _ in range(5):
        backlog.wake("a")
    assert backlog.take(0) is None  # never two at once
    backlog.done("a")
    assert backlog.take(0) == "a"
    backlog.done("a")
    assert backlog.take(0) is None


def test_a_pass_that_asked_for_a_time_runs_then_and_not_before() -> None:
    backlog: Backlog[str] = Backlog()
    backlog.wake("a")
    backlog.take(0)
    backlog.done("a", at=10)
    assert (backlog.next_due(), backlog.take(9.9), backlog.take(10), backlog.next_due()) == (10, None, "a", None)


def test_an_event_before_that_time_replaces_it() -> None:
    backlog: Backlog[str] = Backlog()
    backlog.wake("a")
    backlog.take(0)
    backlog.done("a", at=10)
    backlog.wake("a")
    assert backlog.take(1) == "a"
    backlog.done("a")
    assert backlog.take(100) is None


def test_waits_double_up_to_the_limit_and_start_anew_after_a_success() -> None:
    backlog: Backlog[str] = Backlog()
    now, waits = 0.0, []
    for _ in range(9):
        backlog.wake("a")
        backlog.take(now)
        waits.append(backlog.failed("a", now=now, backoff=BACKOFF, lot=0.0))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    backlog.wake("a")
    backlog.take(now)
    backlog.done("a")
    backlog.wake("a")
    backlog.take(now)
    assert backlog.failed("a", now=now, backoff=BACKOFF, lot=0.0) == 1


@pytest.mark.parametrize(("lot", "seconds"), [(0.0, 4.0), (0.5, 5.0), (0.999, 5.998)])
def test_the_spread_only_lengthens_a_wait(lot: float, seconds: float) -> None:
    assert BACKOFF.after(3, lot) == pytest.approx(seconds)


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order: no key runs twice at once, and no wake is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog: Backlog[str] = Backlog()
        self.now = 0.0
        self.owed: set[str] = set()  # woken, and no pass has begun since

    @rule(key=KEYS)
    def wake(self, key: str) -> None:
        self.backlog.wake(key)
        self.owed.add(key)

    @rule()
    def take(self) -> None:
        before = set(self.backlog.running)
        key = self.backlog.take(self.now)
        if key is None:
            assert self.owed <= before, "a key that was woken waits although nothing of it runs"
        else:
            assert key not in before
            self.owed.discard(key)

    @precondition(lambda self: self.backlog.running)
    @rule(wait=st.none() | st.floats(0, 100))
    def done(self, wait: float | None) -> None:
        key = min(self.backlog.running)
        self.backlog.done(key, at=None if wait is None else self.now + wait)

    @precondition(lambda self: self.backlog.running)
    @rule(lot=st.floats(0, 0.99))
    def failed(self, lot: float) -> None:
        key = max(self.backlog.running)
        assert self.backlog.failed(key, now=self.now, backoff=BACKOFF, lot=lot) <= BACKOFF.limit * 1.5

    @rule(seconds=st.floats(0, 200))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def a_key_is_in_one_place(self) -> None:
        assert not set(self.backlog.ready) & self.backlog.running
        assert self.backlog.again <= self.backlog.running

    @invariant()
    def what_is_owed_is_known(self) -> None:
        assert self.owed <= set(self.backlog.ready) | self.backlog.again

    def teardown(self) -> None:
        """Once nothing happens any more, everything comes to rest."""
        for _ in range(50):
            for key in sorted(self.backlog.running):
                self.backlog.done(key)
            self.now = max(self.now, self.backlog.next_due() or 0.0)
            if self.backlog.take(self.now) is None:
                break
        assert (self.backlog.ready, self.backlog.running, self.backlog.due) == ({}, set(), {})


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=200, stateful_step_count=40)


@asynccontextmanager
async def running(work: Work[str], **options: Any) -> AsyncIterator[Queue[str]]:
    """Run a queue for the length of the block."""
    queue: Queue[str] = Queue(work, **options)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_key_has_one_pass_at_a_time_while_others_go_on() -> None:
    started: Counter[str] = Counter()
    gate = asyncio.Event()

    async def work(key: str) -> None:
        started[key] += 1
        if key == "slow":
            await gate.wait()

    async with running(work) as queue:
        queue.wake("slow")
        await until(lambda: started["slow"] == 1)
        for _ in range(3):
            queue.wake("slow")
        queue.wake("quick")
        await until(lambda: started["quick"] == 1)
        assert started["slow"] == 1
        gate.set()
        await until(lambda: started["slow"] == 2)
        queue.wake("last")  # passes start in the order of their wakes, so a third one of "slow" would come first
        await until(lambda: started["last"] == 1)
        assert started == {"slow": 2, "quick": 1, "last": 1}


async def test_no_more_passes_at_once_than_the_limit() -> None:
    inside, most, ended = 0, 0, 0
    gate = asyncio.Event()

    async def work(_key: str) -> None:
        nonlocal inside, most, ended
        inside += 1
        most = max(most, inside)
        await gate.wait()
        inside -= 1
        ended += 1

    async with running(work, limit=2) as queue:
        for key in "abcd":
            queue.wake(key)
        await until(lambda: inside == 2)
        gate.set()
        await until(lambda: ended == 4)
    assert most == 2


async def test_a_pass_that_asks_for_another_look_gets_it() -> None:
    looks = 0

    async def work(_key: str) -> float | None:
        nonlocal looks
        looks += 1
        return 0.01 if looks < 3 else None

    async with running(work) as queue:
        queue.wake("a")
        await until(lambda: looks == 3)


async def test_a_pass_that_fails_comes_back_and_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    tries: Counter[str] = Counter()

    async def work(key: str) -> None:
        tries[key] += 1
        if key == "broken" and tries[key] < 3:
            message = "no such luck"
            raise ValueError(message)

    async with running(work, backoff=Backoff(first=0.01, limit=0.02)) as queue:
        queue.wake("broken")
        queue.wake("fine")
        await until(lambda: tries["broken"] == 3)
    assert tries["fine"] == 1
    failures = [record for record in caplog.records if record.getMessage() == "pass failed"]
    assert len(failures) == 2
    assert all(record.exc_info and "no such luck" in str(record.exc_info[1]) for record in failures)


async def test_passes_end_with_the_queue() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work(_key: str) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running(work) as queue:
        queue.wake("a")
        await started.wait()
    assert ended.is_set()
