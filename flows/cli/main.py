"""The `contacts` command: parses the command line, runs the command, and turns errors into one line."""

import argparse
import atexit
import gc
import json
import os
import signal
import sys
from collections.abc import Sequence
from pkgutil import resolve_name

from flows.cli.parser import FAILED, OK, WRONG_COMMAND, build_parser, has_visible_password
from flows.cli.terminal import discard_output, escape_unencodable_output, print_error, print_line
from schemas.errors.base import CommandInterrupted, CommandStopped, ContactImportError
from schemas.errors.request import UsageError

PASSWORD_WARNING = (
    "other users of this machine can read the password in --warehouse in the list of processes; "
    "put the address into CONTACTS_WAREHOUSE_URL, or the password into a password file"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed, 2 the command itself was wrong."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    status = OK
    _reduce_garbage_collection()
    escape_unencodable_output()
    try:
        if "_ARGCOMPLETE" in os.environ:  # set by the script of the shell
            from flows.cli.completion import complete

            complete()
        options = build_parser().parse_args(words)
        # Only for a person: a nightly job would mail it every day.
        if has_visible_password(options) and not as_json and sys.stderr.isatty():
            print_error(PASSWORD_WARNING)
        status = int(resolve_name(options.function)(options))
        sys.stdout.flush()  # raises BrokenPipeError here instead of at exit
        return status
    except ContactImportError as error:
        _report_error(error, as_json)
        return WRONG_COMMAND if isinstance(error, UsageError) else FAILED
    except BrokenPipeError:
        discard_output()
        return status
    except KeyboardInterrupt:
        _report_error(CommandInterrupted(), as_json)
        return 128 + signal.SIGINT
    except Exception as error:
        if os.environ.get("CONTACTS_DEBUG"):
            raise
        _report_error(CommandStopped(type(error).__name__), as_json)
        return FAILED


def print_help(_: argparse.Namespace) -> int:
    """The help, for the command without any words."""
    build_parser().print_help()
    return OK


def _report_error(error: ContactImportError, as_json: bool) -> None:
    message = " ".join(str(error).splitlines())
    if as_json:
        print_line(json.dumps({"status": "failed", "error": {"code": error.code, "message": message}}))
    print_error(message)


def _reduce_garbage_collection() -> None:
    """Collecting while the libraries load took 0.4 s of an import's start; freeing objects at exit took 0.7 s.

    The exit hook is registered first, so it runs last.
    """
    gc.set_threshold(200_000, 50, 100)
    atexit.register(gc.freeze)


if __name__ == "__main__":
    sys.exit(main())
