"""Signals, closed or full streams, and other locales: the real command, in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulate.results import place
from simulate.results.store import open_results
from tests.makers.small import SMALL

LONG = ["run", str(SMALL), "--paths", "5000000", "--block", "2000"]
SENTENCES = {
    signal.SIGINT: "interrupted; nothing half-written was kept",
    signal.SIGTERM: "ended by SIGTERM; nothing half-written was kept",
    signal.SIGHUP: "ended by SIGHUP; nothing half-written was kept",
}


def environment(**more):
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | more


def command(*arguments):
    return [sys.executable, "-m", "simulate", *arguments]


def listen():
    """A job in the background inherits ignored signals, which the command leaves ignored; the child of a test hears them all."""
    for number in SENTENCES:
        signal.signal(number, signal.SIG_DFL)


def started(folder, *arguments, before=(), **options):
    return subprocess.Popen(
        [*before, *command(*arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=listen,
        **options,
    )


def wait_for_blocks(process, work, count=1):
    """Wait until blocks are whole in the working folder of a run."""
    deadline = time.monotonic() + 300
    while len(list((work / "store" / "block_done" / "c").glob("*"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", SENTENCES)
@pytest.mark.parametrize("threads", ["2", pytest.param("1", marks=pytest.mark.slow)])
def test_a_signal_ends_a_run_with_a_sentence_and_leaves_what_was_there(tmp_path, number, threads):
    assert subprocess.run(command("run", str(SMALL), "--paths", "20", "--out", "a.zarr"), cwd=tmp_path, env=environment(), capture_output=True).returncode == 0
    with started(tmp_path, *LONG, "--threads", threads, "--out", "a.zarr", "--overwrite") as process:
        wait_for_blocks(process, place.place_of(tmp_path / "a.zarr").work)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number, err
    assert out == "" and err.splitlines()[-1] == SENTENCES[number] and "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
    assert open_results(tmp_path / "a.zarr").load().attrs["paths"] == 20


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    ignore = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
    with started(tmp_path, "run", str(SMALL), "--paths", "20000", "--block", "500", "--out", "a.zarr", before=ignore) as process:
        wait_for_blocks(process, place.place_of(tmp_path / "a.zarr").work)
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.splitlines()[-1] == "result: a.zarr"


@pytest.mark.parametrize("number", SENTENCES)
def test_a_signal_while_the_command_is_imported_is_a_sentence(tmp_path, number):
    """The signal comes when Python looks for typer, in the middle of the imports."""
    code = "import os, sys\n"
    code += "class Finder:\n    def find_spec(self, name, *rest):\n"
    code += f"        if name == 'typer':\n            os.kill(os.getpid(), {int(number)})\n"
    code += "sys.meta_path.insert(0, Finder())\nfrom simulate.__main__ import main\nmain()"
    found = subprocess.run([sys.executable, "-c", code, "list"], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, preexec_fn=listen)
    assert found.returncode == 128 + number
    assert found.stdout == "" and found.stderr == SENTENCES[number] + "\n"


def test_kill_9_leaves_a_whole_store_and_the_next_run_tidies_up(tmp_path):
    with started(tmp_path, *LONG) as process:
        (tmp_path / "results").mkdir(exist_ok=True)
        wait_for_blocks(process, place.place_of(tmp_path / "results" / "small-seed7-5000000.zarr").work)
        process.kill()
        process.communicate(timeout=60)
    assert [path.name for path in (tmp_path / "results").iterdir()] == [".small-seed7-5000000.zarr.writing"]
    subprocess.run(command("run", str(SMALL), "--paths", "20"), cwd=tmp_path, env=environment(), capture_output=True, check=True, timeout=120)
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["small-seed7-20.zarr"]


@pytest.mark.parametrize("repeats", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_two_runs_at_once_without_out_both_finish(tmp_path, repeats):
    run = ["run", str(SMALL), "--paths", "2000", "--threads", "1", "--block"]
    with started(tmp_path, *run, "100") as one, started(tmp_path, *run, "50") as other:
        answers = [process.communicate(timeout=300) for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), answers
    for (out, _), size in zip(answers, (100, 50)):
        stored = out.splitlines()[-1].removeprefix("result: ")
        assert open_results(tmp_path / stored).load().attrs["block_paths"] == size
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["small-seed7-2000-2.zarr", "small-seed7-2000.zarr"]


def test_a_run_that_was_stopped_is_not_overtaken(tmp_path):
    """The first is paused; the second, with --overwrite, gets a sentence, and the first goes on to its end."""
    run = ["run", str(SMALL), "--block", "500", "--out", "a.zarr", "--overwrite"]
    with started(tmp_path, *run, "--paths", "30000", "--seed", "1") as first:
        wait_for_blocks(first, place.place_of(tmp_path / "a.zarr").work)
        first.send_signal(signal.SIGSTOP)
        second = subprocess.run(command(*run, "--paths", "500", "--seed", "2"), cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120)
        first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=300)
    assert second.returncode == 2 and second.stdout == ""
    assert second.stderr.splitlines() == ["a.zarr: another run is writing this store; wait until it has ended, or give another place with --out (out=)."]
    assert first.returncode == 0, err
    stored = open_results(tmp_path / "a.zarr").load()
    assert stored.attrs["seed"] == 1 and stored.sizes["path"] == 30000
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(tmp_path, closed):
    line = f'"$@" {closed}'
    found = subprocess.run(
        ["sh", "-c", line, "sh", *command("run", str(SMALL), "--paths", "20", "--out", "a.zarr")], cwd=tmp_path, env=environment(), timeout=120
    )
    assert found.returncode == 0
    assert open_results(tmp_path / "a.zarr").load().sizes["path"] == 20


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_output_is_a_sentence_and_the_store_stays(tmp_path):
    with open("/dev/full", "w") as full:
        line = command("run", str(SMALL), "--paths", "20", "--out", "a.zarr")
        found = subprocess.run(line, cwd=tmp_path, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert found.returncode == 2
    assert found.stderr.splitlines()[-1].startswith("the answer cannot be printed (No space left on device)") and "Traceback" not in found.stderr
    assert open_results(tmp_path / "a.zarr").sizes["path"] == 20


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_letters_that_the_locale_lacks_are_spelled_out(tmp_path, encoding):
    line = command("run", str(SMALL), "--paths", "20", "--out", "größe-模型.zarr")
    found = subprocess.run(line, cwd=tmp_path, env=environment(PYTHONIOENCODING=encoding), capture_output=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1].endswith(b"\\u6a21\\u578b.zarr")
