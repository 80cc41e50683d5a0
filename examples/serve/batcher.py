"""Requests that wait at the same time run as one batch."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

Arrays = dict[str, np.ndarray]


class Busy(Exception):
    """Too much is waiting already."""


@dataclass
class Waiting:
    inputs: Arrays
    clips: int
    result: asyncio.Future


class Batcher:
    """Runs a function on everything that came while it was at work, in one thread of its own.

    There is no timer: a lone request runs at once, and the longer a batch takes, the more requests
    the next one joins. A batch that fails is run again request by request, so that nobody gets the
    error of another.

    Args:
        run: arrays by name -> arrays by name; called in a thread.
        max_clips: the largest batch, counted along the first axis.
        max_waiting: clips that may wait; past it `submit` raises `Busy`.
        together: whether requests may share a batch at all.
    """

    def __init__(
        self,
        run: Callable[[Arrays], Arrays],
        max_clips: int,
        max_waiting: int,
        together: bool = True,
    ):
        self.run = run
        self.max_clips = max_clips if together else 0
        self.max_waiting = max_waiting
        self.waiting: deque[Waiting] = deque()
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.worker: asyncio.Task | None = None

    async def submit(self, inputs: Arrays, clips: int) -> Arrays:
        """The outputs of these inputs, of so many clips, as if they had run alone."""
        if sum(request.clips for request in self.waiting) + clips > self.max_waiting:
            raise Busy(f"{self.max_waiting} clips may wait: try again later.")
        request = Waiting(inputs, clips, asyncio.get_running_loop().create_future())
        self.waiting.append(request)
        if self.worker is None or self.worker.done():
            self.worker = asyncio.create_task(self._work())
        return await request.result

    async def _work(self):
        loop = asyncio.get_running_loop()
        while self.waiting:
            batch = self._next_batch()
            outcomes = await loop.run_in_executor(self.thread, self._outcomes, batch)
            for request, outcome in zip(batch, outcomes, strict=True):
                if request.result.done():  # its caller has gone
                    continue
                if isinstance(outcome, Exception):
                    request.result.set_exception(outcome)
                else:
                    request.result.set_result(outcome)

    def _next_batch(self) -> list[Waiting]:
        batch = [self.waiting.popleft()]
        clips = batch[0].clips
        while self.waiting and clips + self.waiting[0].clips <= self.max_clips:
            batch.append(self.waiting.popleft())
            clips += batch[-1].clips
        return batch

    def _outcomes(self, batch: list[Waiting]) -> list[Arrays | Exception]:
        names = batch[0].inputs
        try:
            if len(batch) == 1:
                return [self.run(batch[0].inputs)]
            joined = {name: np.concatenate([r.inputs[name] for r in batch]) for name in names}
            outputs = self.run(joined)
            ends = np.cumsum([request.clips for request in batch])[:-1]
            parts = {name: np.split(array, ends) for name, array in outputs.items()}
        except Exception as error:
            if len(batch) == 1:
                return [error]
            return [self._outcomes([request])[0] for request in batch]
        return [{name: parts[name][i] for name in parts} for i in range(len(batch))]
