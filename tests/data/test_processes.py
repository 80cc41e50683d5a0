"""Work shared among processes; that they record what one does is in `test_pushing.py`."""

import doctest
import operator
import os
import pickle
import subprocess
import sys
from functools import partial

import pytest

from keras_videogpt.data import processes
from keras_videogpt.data.processes import share_work


def test_the_example_runs():
    assert doctest.testmod(processes) == (0, 1)


def test_every_item_is_worked_on_once():
    results = list(share_work(partial(map, operator.neg), [1, 2, 3, 4, 5], processes=2))
    assert sorted(results) == [-5, -4, -3, -2, -1]
    assert list(share_work(sorted, [], processes=2)) == []
    assert next(share_work(sorted, [2, 1])) == 1  # the rest is not waited for


def test_errors_and_breakdowns_come_back():
    with pytest.raises(TypeError, match="bad operand"):
        list(share_work(partial(map, operator.neg), [1, "a"], processes=2))
    with pytest.raises(RuntimeError, match="exit status 7"):
        list(share_work(partial(map, os._exit), [7]))
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        list(share_work(lambda items: items, [1]))


def test_a_process_has_neither_keras_nor_a_backend():
    [modules] = share_work(partial(map, eval), ["sorted(__import__('sys').modules)"])
    assert "keras_videogpt.data.processes" in modules
    assert not {"keras", "tensorflow", "jax", "torch"} & set(modules)


def test_what_is_printed_is_no_result(capfd):
    assert list(share_work(partial(map, print), ["hello"])) == [None]
    assert "hello" in capfd.readouterr().err


def test_a_process_ends_when_nobody_reads_its_results():
    command = [sys.executable, "-c", processes.START]
    folder = os.path.dirname(processes.__file__)
    worker = subprocess.Popen(
        [*command, os.path.dirname(folder), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    worker.stdout.close()
    processes._send((list, [0] * 10), worker.stdin)
    assert worker.wait(timeout=60) == 1
    worker.stdin.close()
