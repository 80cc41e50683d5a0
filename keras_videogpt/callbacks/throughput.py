import time
from collections.abc import Mapping

from keras_videogpt.data.timed_batches import TimedBatches


class Throughput:
    """How fast steps follow one another.

    Args:
        per_step: what else than itself a step is worth, by unit: `{"frames": 512}`.
        batches: where the data comes from, which tells how long it was waited for.

    Example:
        >>> throughput = Throughput({"frames": 512})
        >>> throughput.start(step=0)
        >>> sorted(throughput.read(step=20))
        ['frames_per_second', 'steps_per_second']
    """

    def __init__(
        self, per_step: Mapping[str, int] | None = None, batches: TimedBatches | None = None
    ):
        self.units = {"steps": 1, **(per_step or {})}
        self.batches = batches
        self.stop()

    def stop(self) -> None:
        """Until the next `start`, time does not count: something else is done than training."""
        self.started = False

    def start(self, step: int) -> None:
        """Time counts from here."""
        self.started = True
        self._step, self._time, self._waited = step, time.monotonic(), self._seconds_waited()

    def read(self, step: int) -> dict[str, float]:
        """What was done per second since `start`, or the last reading, and starts anew.

        Args:
            step: steps done by now.

        Returns:
            `steps_per_second`, the same of the units, and if it is known
            `seconds_waiting_for_data`, per step; nothing if there was no step.
        """
        steps, seconds = step - self._step, time.monotonic() - self._time
        waited = self._seconds_waited() - self._waited
        self.start(step)
        if not steps:
            return {}
        values = {f"{unit}_per_second": n * steps / seconds for unit, n in self.units.items()}
        if self.batches:
            values["seconds_waiting_for_data"] = waited / steps
        return values

    def _seconds_waited(self) -> float:
        return self.batches.seconds_waited if self.batches else 0.0
