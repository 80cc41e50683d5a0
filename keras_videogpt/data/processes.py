"""Work shared among processes."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def share_work(
    work: Callable[[list[Item]], Iterable[Result]], items: list[Item], processes: int
) -> Iterator[Result]:
    """Has several processes work on a share of the items each.

    The processes start anew (they do not fork, which would hang what has threads or a GPU), so a
    script that uses more than one needs `if __name__ == "__main__":`. They end with this one,
    even where it is killed.

    Args:
        work: takes items and yields results; can be pickled.
        items: the items.
        processes: number of processes; 1 works in this one.

    Yields:
        The results, in the order in which they come.

    Raises:
        Exception: what `work` raised.
        RuntimeError: a process broke down.

    Example:

    >>> list(share_work(sorted, [3, 1, 2], processes=1))
    [1, 2, 3]
    """
    if processes == 1:
        yield from work(items)
        return
    context = multiprocessing.get_context("spawn")
    workers = {}
    try:
        for first in range(min(processes, len(items))):
            receiver, sender = context.Pipe(duplex=False)
            share = items[first::processes]
            worker = context.Process(target=_send, args=(sender, work, share), daemon=True)
            worker.start()
            sender.close()
            workers[receiver] = worker
        while workers:
            for receiver in wait(list(workers)):
                try:
                    result = receiver.recv()
                except EOFError:
                    worker = workers.pop(receiver)
                    worker.join()
                    if worker.exitcode:
                        raise RuntimeError(
                            f"A process broke down (exit code {worker.exitcode})"
                        ) from None
                    continue
                if isinstance(result, Exception):
                    raise result
                yield result
    finally:
        for worker in workers.values():
            worker.terminate()


def _send(sender: Connection, work: Callable, items: list) -> None:
    try:
        for result in work(items):
            sender.send(result)
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # stopped, or nobody is left to send to
    except Exception as error:
        sender.send(error)
