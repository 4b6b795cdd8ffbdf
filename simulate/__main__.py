"""The command `simulate`, also as `python -m simulate`. An interrupt is a sentence from here on, while the rest is imported too."""

import sys

from simulate.cli.signals import Ended, ended_by_signals, ready_streams, say_ended


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        ready_streams()
        with ended_by_signals():
            from simulate.cli.app import exit_code

            code = exit_code()
    except (KeyboardInterrupt, Ended) as error:
        code = say_ended(error)
    sys.exit(code)


if __name__ == "__main__":
    main()
