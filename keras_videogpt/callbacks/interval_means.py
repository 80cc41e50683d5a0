class IntervalMeans:
    """Means over the last batches, out of Keras's means over all batches since the epoch began.

    Example:
        >>> means = IntervalMeans()
        >>> means.read(2, {"loss": 4.0})
        {'loss': 4.0}
        >>> means.read(4, {"loss": 3.0})
        {'loss': 2.0}
    """

    def __init__(self):
        self.restart()

    def restart(self) -> None:
        """An epoch begins."""
        self._batches = 0
        self._means = {}

    def read(self, batches: int, means: dict[str, float]) -> dict[str, float]:
        """The means since the last call.

        Args:
            batches: batches of equal size since the epoch began; more than at the last call.
            means: means over all of them.

        Returns:
            Means over the batches since the last call.
        """
        new = batches - self._batches
        values = {
            name: (mean * batches - self._means.get(name, 0.0) * self._batches) / new
            for name, mean in means.items()
        }
        self._batches, self._means = batches, dict(means)
        return values
