"""Requests to `examples/serve` share batches, and get what they get alone."""

import asyncio
import importlib.util
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).parents[2] / "examples" / "serve" / "batcher.py"


@pytest.fixture(scope="module")
def batcher():
    """The example's module, which is of no package."""
    spec = importlib.util.spec_from_file_location("batcher", FILE)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "batcher", module)
        spec.loader.exec_module(module)
        yield module


class Doubling:
    """Doubles numbers, refuses negative ones, and waits with its first batch for a signal."""

    def __init__(self):
        self.sizes = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, inputs):
        self.sizes.append(len(inputs["x"]))
        self.begun.set()
        self.go_on.wait(10)
        if np.any(inputs["x"] < 0):
            raise ValueError("x is negative")
        return {"y": 2 * inputs["x"]}


def submit(batcher, numbers):
    """A task; how many numbers, and which, it is about."""
    numbers = np.array(numbers)
    return asyncio.create_task(batcher.submit({"x": numbers}, len(numbers)))


async def behind_a_running_one(batcher, run, requests):
    """Tasks of requests that wait for a first one to end, which is then let go."""
    first = submit(batcher, [0])
    await asyncio.to_thread(run.begun.wait, 10)
    tasks = [submit(batcher, numbers) for numbers in requests]
    await asyncio.sleep(0)
    return first, tasks


def test_what_waits_runs_as_one_batch_and_everybody_gets_their_own(batcher):
    run = Doubling()

    async def scenario():
        requests = [[1, 2], [3], [4, 5, 6], [7]]
        _, tasks = await behind_a_running_one(batcher.Batcher(run, 6, 100), run, requests)
        run.go_on.set()
        for task, numbers in zip(tasks, requests, strict=True):
            np.testing.assert_array_equal((await task)["y"], 2 * np.array(numbers))

    asyncio.run(scenario())
    assert run.sizes == [1, 6, 1]


def test_requests_that_must_not_share_run_one_by_one(batcher):
    run = Doubling()

    async def scenario():
        one_by_one = batcher.Batcher(run, 6, 100, together=False)
        _, tasks = await behind_a_running_one(one_by_one, run, [[1], [2, 3]])
        run.go_on.set()
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
    assert run.sizes == [1, 1, 2]


def test_the_error_of_one_is_not_the_error_of_those_beside_it(batcher):
    run = Doubling()

    async def scenario():
        requests = [[1], [-1], [2, 3]]
        _, tasks = await behind_a_running_one(batcher.Batcher(run, 6, 100), run, requests)
        run.go_on.set()
        good, bad, other = await asyncio.gather(*tasks, return_exceptions=True)
        assert good["y"].tolist() == [2] and other["y"].tolist() == [4, 6]
        assert isinstance(bad, ValueError) and str(bad) == "x is negative"

    asyncio.run(scenario())


def test_more_than_may_wait_is_refused_and_the_rest_answered(batcher):
    run = Doubling()

    async def scenario():
        small = batcher.Batcher(run, 4, 3)
        _, tasks = await behind_a_running_one(small, run, [[1, 2], [3]])
        with pytest.raises(batcher.Busy, match="3 clips may wait"):
            await small.submit({"x": np.array([4])}, 1)
        run.go_on.set()
        assert [(await task)["y"].tolist() for task in tasks] == [[2, 4], [6]]
        assert (await small.submit({"x": np.array([5])}, 1))["y"].tolist() == [10]

    asyncio.run(scenario())


def test_a_caller_that_goes_does_not_stop_the_others(batcher):
    run = Doubling()

    async def scenario():
        some = batcher.Batcher(run, 4, 100)
        first, (gone, stays) = await behind_a_running_one(some, run, [[1], [2]])
        first.cancel()
        gone.cancel()
        run.go_on.set()
        assert (await stays)["y"].tolist() == [4]

    asyncio.run(scenario())
