"""Temporary folders of checks. Each holds a copy of the source, so none may stay behind.

A folder is locked while its process lives. The next check deletes folders that a killed process left.
"""

import fcntl
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

PREFIX = "contacts-check-"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for the files of one check, deleted at the end."""
    delete_abandoned_folders()
    # It is locked before it gets the name by which others find it.
    unlocked = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}"))
    descriptor = os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY)
    folder = unlocked.rename(unlocked.with_name(unlocked.name.removeprefix("new-"))) if _lock(descriptor) else unlocked
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def delete_abandoned_folders() -> None:
    """Delete the folders of killed processes of this user."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # of another user, or deleted meanwhile
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid == os.getuid() and _lock(descriptor):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _Terminated(BaseException):
    """SIGTERM arrived."""


@contextmanager
def cleaned_up_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block like an error, so that it cleans up. Then the process dies by the signal."""
    if threading.current_thread() is not threading.main_thread():  # which alone may handle signals
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise _Terminated

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except _Terminated:
        signal.signal(signal.SIGTERM, previous)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, previous)
