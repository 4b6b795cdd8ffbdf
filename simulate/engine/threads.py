"""Threads beside the main one, which an exception of a signal cannot lock up.

A signal raises its exception between any two steps of Python in the main thread. Futures and conditions take their locks in Python: one that the main
thread has just taken is then never given back, and the thread that needs it waits for ever. Starting a thread takes such locks too. So the main thread
calls nothing but functions written in C: it waits on queues, and starts one thread that starts and joins the others.
"""

import _thread
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")
AHEAD = 2  # arguments a worker that are taken before their results are handed over


def call_in_thread(function: Callable[[], Result]) -> Result:
    """Call a function in a thread of its own; return what it returns, raise what it raises."""
    results: list[Result] = []
    run_on_threads([lambda _: function()], [None], results.append, Event())
    return results[0]


def run_on_threads(workers: Sequence[Callable[[Argument], Result]], arguments: Iterable[Argument], on_result: Callable[[Result], None], stop: Event) -> None:
    """Call workers, each in a thread of its own, with arguments as they come; `on_result` is called in this thread, in order of completion.

    What a worker, an argument or on_result raises ends all, and so does an exception of a signal: `stop` is set, workers are waited for, and it is raised.
    """
    waiting: SimpleQueue[tuple[Argument] | None] = SimpleQueue()
    done: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    ended: SimpleQueue[None] = SimpleQueue()
    started = False

    def lead() -> None:
        threads = [Thread(target=serve, args=(worker, waiting, done), daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended.put(None)

    def take() -> None:
        result, error = done.get()
        if error is not None:
            raise error
        on_result(result)

    try:
        _thread.start_new_thread(lead, ())
        started = True
        out = 0
        for argument in arguments:
            waiting.put((argument,))
            out += 1
            if out >= AHEAD * len(workers):
                take()
                out -= 1
        for _ in range(out):
            take()
    except BaseException:
        stop.set()
        raise
    finally:
        for _ in workers:
            waiting.put(None)
        if started:
            ended.get()


def serve(worker: Callable[[Argument], Result], waiting: "SimpleQueue[tuple[Argument] | None]", done: "SimpleQueue[tuple[Any, BaseException | None]]") -> None:
    """Call a worker with what waits, until there is None."""
    while (given := waiting.get()) is not None:
        try:
            done.put((worker(*given), None))
        except BaseException as error:
            done.put((None, error))
