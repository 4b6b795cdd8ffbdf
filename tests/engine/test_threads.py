import os
import signal
import subprocess
import sys
from threading import Event, current_thread, main_thread

import pytest

from simulate.engine.threads import call_in_thread, run_on_threads


def square(number):
    return number * number


@pytest.mark.parametrize("workers", [1, 3])
def test_results_are_handed_over_here_and_none_is_lost(workers):
    found = []

    def keep(result):
        assert current_thread() is main_thread()
        found.append(result)

    run_on_threads([square] * workers, range(50), keep, Event())
    assert sorted(found) == [k * k for k in range(50)]
    if workers == 1:
        assert found == sorted(found)


def test_not_all_arguments_are_taken_at_once():
    taken, handed = [], []

    def arguments():
        for k in range(20):
            taken.append(k)
            assert len(taken) - len(handed) <= 4
            yield k

    run_on_threads([square] * 2, arguments(), handed.append, Event())
    assert len(handed) == 20


@pytest.mark.parametrize("where", ["worker", "arguments", "result"])
def test_an_error_stops_the_workers_and_is_raised(where):
    stop = Event()

    def worker(number):
        if where == "worker" and number == 3:
            raise KeyError("three")
        return number

    def arguments():
        yield from range(5)
        if where == "arguments":
            raise KeyError("five")

    def keep(result):
        if where == "result":
            raise KeyError("kept")

    with pytest.raises(KeyError):
        run_on_threads([worker] * 2, arguments(), keep, stop)
    assert stop.is_set()


def test_a_call_in_a_thread_returns_or_raises():
    assert call_in_thread(lambda: current_thread()) is not main_thread()
    with pytest.raises(ZeroDivisionError):
        call_in_thread(lambda: 1 // 0)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")
def test_a_signal_at_any_moment_ends_the_work():
    """Futures of the standard library hang here within some hundred signals."""
    code = """
import random, signal, time
from threading import Event
from simulate.engine.threads import run_on_threads

class Ended(BaseException):
    pass

def end(number, frame):
    raise Ended

signal.signal(signal.SIGALRM, end)
dice, ended = random.Random(0), 0
for _ in range(1500):
    stop = Event()
    try:
        signal.setitimer(signal.ITIMER_REAL, dice.uniform(2e-4, 4e-3))
        run_on_threads([lambda number: None if stop.is_set() else number] * 2, range(10**9), lambda result: None, stop)
    except Ended:
        ended += 1
print(ended)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert (found.stdout, found.stderr) == ("1500\n", "")
