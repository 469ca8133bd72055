"""The `contacts` command: a thin face over the same code that the flows run."""

import atexit
import gc
import io
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pkgutil import resolve_name

from flows.cli.parser import FAILED, OK, WRONG_COMMAND, build_parser, has_visible_password
from schemas.errors.base import ContactImportError, Interrupted, UnexpectedError
from schemas.errors.request import UsageError

PASSWORD_SHOWS = (
    "the list of processes shows the password in --warehouse to others on this machine; "
    "CONTACTS_WAREHOUSE_URL or a password file hides it"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed with nothing changed, 2 the command itself was wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    _reduce_garbage_collection()
    _escape_unencodable_output()
    try:
        options = build_parser().parse_args(given)
        if (
            has_visible_password(options) and not as_json and sys.stderr.isatty()
        ):  # no line more in the mail of a nightly job
            print(f"contacts: {PASSWORD_SHOWS}", file=sys.stderr)
        status = int(resolve_name(options.run)(options))
        sys.stdout.flush()  # here a reader who left is noticed; at exit it would be too late
        return status
    except ContactImportError as error:
        _print_error(error, as_json)
        return WRONG_COMMAND if isinstance(error, UsageError) else FAILED
    except BrokenPipeError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        _print_error(Interrupted(), as_json)
        return 128 + signal.SIGINT
    except Exception as error:
        if os.environ.get("CONTACTS_DEBUG"):
            raise
        _print_error(UnexpectedError(type(error).__name__), as_json)
        return FAILED


def _print_error(error: ContactImportError, as_json: bool) -> None:
    message = " ".join(str(error).splitlines())
    if as_json:
        print(json.dumps({"status": "failed", "error": {"code": error.code, "message": message}}))
    print(f"contacts: {message}", file=sys.stderr)


def _reduce_garbage_collection() -> None:
    """What loading the libraries makes stays; looking through it again and again took 0.4 s of an import's start.

    Taking it apart at the very end, object by object, took 0.7 s more. The hook is the first one, so it comes last.
    """
    gc.set_threshold(200_000, 50, 100)
    atexit.register(gc.freeze)


def _escape_unencodable_output() -> None:
    """Names of files may hold bytes that are no text, and a terminal may not know every letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
