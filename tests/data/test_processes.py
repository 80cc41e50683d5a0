"""Work shared among processes; `test_pushing.py` has a test that it is all done."""

import doctest
import multiprocessing
import os
import signal

import pytest

from keras_videogpt.data import processes


def squares(items):
    for item in items:
        if item < 0:
            raise ValueError(f"{item} is below 0")
        yield item**2


def break_down(items):
    os.kill(os.getpid(), signal.SIGKILL)
    yield from items


def test_the_example_runs():
    assert doctest.testmod(processes) == (0, 1)


def test_no_items_need_no_process():
    assert list(processes.share_work(squares, [], processes=2)) == []


def test_a_process_sends_its_results_and_then_its_error():
    receiver, sender = multiprocessing.Pipe(duplex=False)
    processes._send(sender, squares, [2, 3, -1, 4])
    assert [receiver.recv(), receiver.recv()] == [4, 9]
    with pytest.raises(ValueError, match="-1 is below 0"):
        raise receiver.recv()
    assert not receiver.poll()
    receiver.close()
    processes._send(sender, squares, [2])  # nobody reads, and nothing is raised


def test_a_process_that_breaks_down_is_an_error():
    with pytest.raises(RuntimeError, match="exit code -9"):
        list(processes.share_work(break_down, [1], processes=2))
