"""A lock on a file that ends with its holder, even by kill -9: the operating system keeps it, nothing on disk has to be undone.

Advisory locks of the system (flock, on Windows locking) are thirty lines, so no library is needed for them. A few network file systems have none:
`Unsupported` says so, and results/place.py makes do with the exclusive creation of a folder there.
"""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

_HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


class Unsupported(OSError):
    """The file system keeps no locks."""


def take(path: Path) -> int | None:
    """Lock the file, which is made if it is not there, and return its descriptor; None if another one holds the lock, or just removed the file.

    Raises OSError if the file cannot be made, and Unsupported if the file system keeps no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor)
        # The last holder may have removed the file between the two lines above; a lock on a file without a name excludes nobody.
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in _HELD:
            os.close(descriptor)
            raise Unsupported(error.errno, error.strerror) from error
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def give_back(descriptor: int) -> None:
    """End the lock, also for a child that inherited the descriptor by fork."""
    try:
        with suppress(OSError):  # where the file system keeps no locks there is none to end
            _unlock(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
