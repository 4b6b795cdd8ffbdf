"""Text files of the input: anything that is no text of a sensible size is refused with a sentence instead of read for ever."""

import stat
from pathlib import Path

from simulate.errors import InputError

MEGABYTE = 2**20
SPECIAL = {stat.S_ISDIR: "Is a directory", stat.S_ISCHR: "it is a device", stat.S_ISBLK: "it is a device", stat.S_ISFIFO: "it is a named pipe"}


def read_text(path: Path, *, what: str, wanted: str, megabytes: int) -> str:
    """Return the text of a file in UTF-8.

    what, wanted: words for the file in sentences ("table", ".csv file"). megabytes: the most that is read.
    Raises FileNotFoundError where there is none, InputError for everything else.
    """
    name = path.name or str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            reason = next((words for is_kind, words in SPECIAL.items() if is_kind(status.st_mode)), "it is no regular file")
            raise InputError([f"{name}: the {what} cannot be read ({reason}); name a {wanted} that can."])
        if status.st_size > megabytes * MEGABYTE:
            raise InputError([f"{name}: the {what} has {status.st_size / MEGABYTE:.0f} MB, but at most {megabytes} MB are read; name a smaller {wanted}."])
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError([f"{name}: the {what} cannot be read ({error.strerror}); name a {wanted} that can."]) from None
    except UnicodeDecodeError as error:
        raise InputError([f"{name}: not UTF-8 at byte {error.start}; save the {what} as UTF-8."]) from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError([f"{name!r}: the {what} cannot be read ({error}); name a {wanted} that can."]) from None


def is_there(path: Path) -> bool:
    """True for a path that exists; names that no file can have, such as one of 5,000 letters, are not there."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def is_folder(path: Path) -> bool:
    """True for a folder."""
    return is_there(path) and path.is_dir()


def is_no_folder(path: Path) -> bool:
    """True for everything that is there and no folder: a file, or something special that `read_text` refuses by its kind."""
    return is_there(path) and not path.is_dir()
