"""The command `simulate`: the verbs of the library for the shell. Data on stdout, everything else on stderr.

Exit codes: 0 done; 1 an internal failure; 2 the input is wrong, each fault a sentence; 130 interrupted, 143 ended by SIGTERM, 129 by SIGHUP.
"""

import errno
import os
import signal
import sys
from typing import Annotated

import typer

from simulate import __version__
from simulate.cli.results import summary
from simulate.cli.run import run
from simulate.cli.scenarios import list_scenarios, validate
from simulate.cli.signals import SIGNALLED, Ended, say_ended
from simulate.cli.studies import backtest, calibrate, growth, ranges
from simulate.errors import InputError

# Typer brings its own click or uses the installed one, depending on its version, so the class is taken from there.
UsageError: type[typer.BadParameter] = typer.BadParameter.__base__  # type: ignore[assignment]  # the base, whose methods are the same
TRACEBACK = "SIMULATE_TRACEBACK"
INTERRUPTED = SIGNALLED + signal.SIGINT
FULL = (errno.ENOSPC, errno.EDQUOT)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]})


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        print(f"simulate {__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def simulate(version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and stop.")] = False) -> None:
    """Simulate losses in the network of AI deals: who loses how much, when and why."""


for command in (run, ranges, validate, summary, calibrate, backtest, growth):
    app.command()(command)
app.command(name="list")(list_scenarios)


def exit_code(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; faults become sentences on stderr, never a traceback unless it is asked for."""
    try:
        code = app(args=arguments, prog_name="simulate", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # typer turns a KeyboardInterrupt into this code
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except UsageError as error:
        print(f"simulate: {error.format_message().rstrip('.')}. See `simulate --help`.", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort, Ended) as error:
        return say_ended(error)
    except (BrokenPipeError, SystemExit):  # typer turns the first into the second: the reader closed the pipe, as in `simulate summary STORE | head`
        give_up_stdout()
        return 0
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            return say_failure(error)
        give_up_stdout()
        print(f"the answer cannot be printed ({error.strerror}); a store that is whole stays, and `simulate summary STORE` prints it again.", file=sys.stderr)
        return 2
    except Exception as error:
        return say_failure(error)


def give_up_stdout() -> None:
    """Let the rest of the output go nowhere: there is no reader, or no room."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_failure(error: Exception) -> int:
    """Say that the library failed, without a traceback unless it is asked for, and return the exit code."""
    if os.environ.get(TRACEBACK):
        raise error
    reason = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
    print(f"simulate failed inside: {type(error).__name__}: {reason}. Set {TRACEBACK}=1 to see where.", file=sys.stderr)
    return 1
