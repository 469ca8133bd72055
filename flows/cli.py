"""The `contacts` command: a thin face over the same code that the flows run."""

import argparse
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from schemas.errors import ContactImportError, Interrupted, UnexpectedError, UsageError

OK, FAILED, WRONG_COMMAND = 0, 1, 2


class Parser(argparse.ArgumentParser):
    """Wrong commands as errors of ours, so that `--json` answers them in JSON too."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; '{self.prog} --help' shows what there is")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; choices come from the enums that the code uses."""
    parser = Parser(prog="contacts", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, run: Callable[..., int], text: str, under: Any = commands) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = under.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    importing = command("import", _import, "import contacts from a CSV file")
    _reading_options(importing)
    _warehouse_option(importing)
    importing.add_argument("--merge", metavar="POLICY", help="insert-only, overwrite, fill-empty or update-only")
    importing.add_argument("--blanks", metavar="RULE", help="keep, or clear: blank cells empty the stored value")
    importing.add_argument("--segment", metavar="NAME", help="add the contacts to this segment, which must exist")
    _json_option(importing)

    checking = command("check", _check, "check a CSV file against the rules, without a warehouse")
    _reading_options(checking)
    checking.add_argument("--accepted", metavar="FILE", help="write the accepted rows here, as CSV")
    checking.add_argument("--rejected", metavar="FILE", help="write the rejected rows here, as CSV")
    _json_option(checking)

    listing = command("imports", _imports, "the import list, or one import")
    listing.add_argument("id", nargs="?", type=_import_number, metavar="ID")
    _warehouse_option(listing)
    _json_option(listing)

    rejecting = command("rejected", _rejected, "the rejected rows of an import, as CSV")
    rejecting.add_argument("id", type=_import_number, metavar="ID")
    rejecting.add_argument("--output", metavar="FILE", help="write to this file instead of the terminal")
    _warehouse_option(rejecting)

    segments = command("segments", _segments, "segments of contacts").add_subparsers(
        dest="action", required=True, metavar="create|list", parser_class=Parser
    )
    creating = command("create", _create_segment, "create a segment", segments)
    creating.add_argument("name", metavar="NAME")
    _warehouse_option(creating)
    _warehouse_option(command("list", _segments, "list the segments", segments))

    fields = command("fields", _fields, "the fields of the catalogue")
    _catalogue_option(fields)
    _json_option(fields)

    exporting = command("export", _export, "all contacts as a CSV that imports again unchanged")
    exporting.add_argument("--output", metavar="FILE", help="write to this file instead of the terminal")
    _catalogue_option(exporting)
    _warehouse_option(exporting)
    return parser


def _reading_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="the CSV file")
    _catalogue_option(parser)
    parser.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=FIELD", help="map or, without FIELD, ignore a column"
    )
    parser.add_argument("--mapping", metavar="FILE", help="a YAML file of 'Column: field' lines")
    parser.add_argument(
        "--delimiter", metavar="C", help="one character, or comma, semicolon, tab; detected when not given"
    )
    parser.add_argument(
        "--no-header", action="store_true", help="the first record is data; columns are column_1, column_2, …"
    )
    parser.add_argument("--encoding", metavar="NAME", help="such as utf-8 or windows-1252; detected when not given")
    parser.add_argument(
        "--duplicates", metavar="WHICH", help="of rows with the same email keep the last, the first, or reject all"
    )
    parser.add_argument("--gaps", metavar="RULE", help="catalogue, or allow: import columns with empty cells too")
    parser.add_argument("--default-prefix", metavar="+34", help="the prefix of phones that have none")


def _catalogue_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--catalogue", metavar="FILE", help="the field catalogue (YAML); the built-in one by default")


def _warehouse_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--warehouse", metavar="URL", help="sqlite:///file.db or postgresql://user@host/database")


def _json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def _import_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is no import number")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed with nothing changed, 2 the command itself was wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    _write_any_text()
    try:
        options = build_parser().parse_args(given)
        status = int(options.run(options))
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


def _write_any_text() -> None:
    """Names of files may hold bytes that are no text, and a terminal may not know every letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _import(options: argparse.Namespace) -> int:
    from flows.commands import run_import_command

    return run_import_command(options)


def _check(options: argparse.Namespace) -> int:
    from flows.commands import run_check_command

    return run_check_command(options)


def _imports(options: argparse.Namespace) -> int:
    from flows.listings import show_imports

    return show_imports(options)


def _rejected(options: argparse.Namespace) -> int:
    from flows.listings import show_rejected

    return show_rejected(options)


def _segments(options: argparse.Namespace) -> int:
    from flows.listings import show_segments

    return show_segments(options)


def _create_segment(options: argparse.Namespace) -> int:
    from flows.listings import create

    return create(options)


def _fields(options: argparse.Namespace) -> int:
    from flows.listings import show_fields

    return show_fields(options)


def _export(options: argparse.Namespace) -> int:
    from flows.listings import export

    return export(options)


def settings_from(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that have flags, as given."""
    named = {"warehouse_url": getattr(options, "warehouse", None), "catalogue": getattr(options, "catalogue", None)}
    return {name: value for name, value in named.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
