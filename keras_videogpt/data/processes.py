"""Work done in processes of their own, which import neither Keras nor its backend."""

import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# The packages are entered without running their __init__, which would import Keras.
START = """
import sys, types
for name, folder in zip(("keras_videogpt", "keras_videogpt.data"), sys.argv[1:]):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from keras_videogpt.data.processes import serve
serve()
"""


def share_work(
    work: Callable[[list[Item]], Iterable[Result]], items: list[Item], processes: int = 1
) -> Iterator[Result]:
    """Has one or several processes work on a share of the items each.

    They start in a fraction of a second, need no `if __name__ == "__main__":`, and end with this
    one, even where it is killed. Their own process is also what drawing needs: TensorFlow shows
    its LLVM to every library that is loaded later, and Mesa's software renderer crashes on it.

    Args:
        work: takes items and yields results; a function that can be pickled, of a module of
            `keras_videogpt.data` that does without Keras, or of another package.
        items: the items; can be pickled, as can results.
        processes: number of processes, 1 or more.

    Yields:
        The results, in the order in which they come.

    Raises:
        Exception: what `work` raised.
        RuntimeError: a process broke down.

    Example:

    >>> list(share_work(sorted, [3, 1, 2]))
    [1, 2, 3]
    """
    shares = [items[first::processes] for first in range(min(processes, len(items)))]
    tasks = [pickle.dumps((work, share)) for share in shares]
    answers: SimpleQueue = SimpleQueue()
    workers = []
    try:
        for task in tasks:
            workers.append(_start())
            Thread(target=_converse, args=(workers[-1], task, answers)).start()
        running = len(workers)
        while running:
            answer = answers.get()
            if isinstance(answer, Exception):
                raise answer
            if answer is None:
                running -= 1
            else:
                yield answer[0]
    finally:
        for worker in workers:
            worker.kill()


def serve() -> None:
    """What such a process does: reads its task from stdin and writes the results to stdout."""
    stream, sys.stdout = sys.stdout.buffer, sys.stderr  # what is printed is no result
    try:
        work, items = pickle.load(sys.stdin.buffer)
        for result in work(items):
            _send((result,), stream)
        _send(None, stream)
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(1)  # stopped, or nobody is left to read
    except Exception as error:
        error.add_note(traceback.format_exc())
        _send(error, stream)


def _start() -> subprocess.Popen:
    data = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", START, str(data.parent), str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )


def _converse(worker: subprocess.Popen, task: bytes, answers: SimpleQueue) -> None:
    """Gives a worker its task and passes its answers on: results, then `None` or an error."""
    answer: Any = ()
    try:
        with worker:
            assert worker.stdin is not None and worker.stdout is not None  # they are pipes
            worker.stdin.write(task)
            worker.stdin.close()
            while isinstance(answer, tuple):
                answer = pickle.load(worker.stdout)
                answers.put(answer)
    except Exception as error:  # whatever it is, the reader of the answers must not wait for ever
        answers.put(RuntimeError(f"A process broke down (exit status {worker.wait()}; {error!r})"))


def _send(answer: object, stream: Any) -> None:
    pickle.dump(answer, stream)
    stream.flush()
