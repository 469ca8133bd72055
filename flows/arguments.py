"""The command line: what can be asked for, and which function answers.

Importing this loads no pandas and no Prefect, so that a wrong command is told at once.
"""

import argparse
import datetime
import re
from enum import StrEnum
from typing import Any, NoReturn

from schemas.choices import Blanks, Duplicates, GapRule, IfSameFile, MergePolicy
from schemas.request_errors import UsageError

OK, FAILED, WRONG_COMMAND = 0, 1, 2
PRUNE = "prune"


class Parser(argparse.ArgumentParser):
    """Wrong commands as errors of ours, so that `--json` answers them in JSON too."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """A command names its own `--help` for what it does not know; argparse would name that of `contacts`."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown

    def error(self, message: str) -> NoReturn:
        secret = re.sub(r"://[^@\s]*@", "://…@", message)  # an address may hold a password
        raise UsageError(f"{secret}; '{self.prog} --help' shows what there is")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; choices come from the enums that the code uses."""
    about = "Contacts from CSV files into a warehouse, under the rules that a field catalogue sets."
    parser = Parser(prog="contacts", description=about, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, run: str, text: str, under: Any = commands) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = under.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    importing = command("import", "flows.commands:run_import_command", "import contacts from a CSV file")
    _reading_options(importing)
    _warehouse_option(importing)
    _choice(importing, "--merge", MergePolicy, "POLICY", "what happens to contacts that exist already")
    _choice(importing, "--blanks", Blanks, "RULE", "whether blank cells empty the stored value")
    importing.add_argument("--segment", metavar="NAME", help="add the contacts to this segment, which must exist")
    _choice(importing, "--if-same-file", IfSameFile, "RULE", "what to do with a file that was imported already")
    importing.add_argument("--max-rejected", metavar="N", help="fail above this many rejected rows, or this percentage")
    importing.add_argument(
        "--min-rows", metavar="N", help="fail below this many rows, or this percentage of last time's"
    )
    importing.add_argument(
        "--retry-of", type=_import_number, metavar="ID", help="SOURCE is the mended rejected file of this import"
    )
    importing.add_argument("--require", action="append", metavar="FIELD", help="fail if this field cannot be imported")
    _json_option(importing)
    _profile_option(importing)

    checking = command("check", "flows.commands:run_check_command", "check a CSV file, without a warehouse")
    _reading_options(checking)
    checking.add_argument("--accepted", metavar="FILE", help="write the accepted rows here, as CSV")
    checking.add_argument("--rejected", metavar="FILE", help="write the rejected rows here, as CSV")
    _json_option(checking)
    _profile_option(checking)

    listing = command("imports", "flows.listings:show_imports", "the import list, or one import")
    listing.add_argument(
        "id", nargs="?", type=_number_or_prune, metavar="ID", help="this import's report, or prune; else the last 50"
    )
    listing.add_argument(
        "--older-than", metavar="DAYS", type=_days, help="with prune: delete import folders older than 90d"
    )
    _warehouse_option(listing)
    _json_option(listing)

    rejecting = command("rejected", "flows.listings:show_rejected", "the rejected rows of an import, as CSV")
    rejecting.add_argument("id", type=_import_number, metavar="ID", help="its number in the import list")
    rejecting.add_argument("--output", metavar="FILE", help="write to this file instead of the terminal")
    _warehouse_option(rejecting)

    mapping = command("mapping", "flows.mappings:list_mappings", "presets: saved mappings").add_subparsers(
        dest="action", required=True, metavar="save|list|show", parser_class=Parser
    )
    saving = command("save", "flows.mappings:save_mapping", "save the mapping found for a file as a preset", mapping)
    saving.add_argument("name", metavar="NAME", help="the name that --preset will ask for")
    _layout_options(saving)
    saving.add_argument("--force", action="store_true", help="write over your own preset of this name")
    command("list", "flows.mappings:list_mappings", "list your own presets and the built-in ones", mapping)
    showing = command("show", "flows.mappings:show_mapping", "print a preset as it is written", mapping)
    showing.add_argument("name", metavar="NAME", help="its name, or the path of its file")

    segments = command("segments", "flows.listings:show_segments", "segments of contacts").add_subparsers(
        dest="action", required=True, metavar="create|list", parser_class=Parser
    )
    creating = command("create", "flows.listings:create", "create a segment", segments)
    creating.add_argument("name", metavar="NAME", help="the name that --segment will ask for")
    _warehouse_option(creating)
    _warehouse_option(command("list", "flows.listings:show_segments", "list the segments", segments))

    fields = command("fields", "flows.listings:show_fields", "the fields of the catalogue")
    _catalogue_option(fields)
    _json_option(fields)

    exporting = command("export", "flows.listings:export", "all contacts as a CSV that imports again unchanged")
    exporting.add_argument("--output", metavar="FILE", help="write to this file instead of the terminal")
    _catalogue_option(exporting)
    _warehouse_option(exporting)
    return parser


def _layout_options(parser: argparse.ArgumentParser) -> None:
    """What it takes to find a file's columns and their fields."""
    parser.add_argument(
        "source", metavar="SOURCE", help="the CSV file: a path, a pattern, or an https, s3 or sftp address"
    )
    parser.add_argument(
        "--date", metavar="DAY", type=_day, help="what {date} in SOURCE means, as yyyy-mm-dd; today when not given"
    )
    _catalogue_option(parser)
    parser.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=FIELD", help="map or, without FIELD, ignore a column"
    )
    parser.add_argument("--mapping", metavar="FILE", help="a YAML file of 'Column: field' lines")
    parser.add_argument(
        "--preset", metavar="NAME", help="how another platform's export is read: its name, a YAML file, or auto"
    )
    parser.add_argument(
        "--delimiter", metavar="C", help="one character, or comma, semicolon, tab, pipe, space; detected when not given"
    )
    parser.add_argument("--quote", metavar="C", help="the character around cells, when it is no double quote")
    parser.add_argument("--escape", metavar="C", help="the character that escapes the next one, such as backslash")
    parser.add_argument("--skip-lines", metavar="N", type=int, help="leave out N lines at the top of the file")
    parser.add_argument(
        "--no-header", action="store_true", help="the first record is data; columns are column_1, column_2, …"
    )
    parser.add_argument("--encoding", metavar="NAME", help="such as utf-8 or windows-1252; detected when not given")


def _reading_options(parser: argparse.ArgumentParser) -> None:
    _layout_options(parser)
    _choice(parser, "--duplicates", Duplicates, "WHICH", "which of the rows with one email is kept; reject keeps none")
    _choice(parser, "--gaps", GapRule, "RULE", "whether the catalogue's rule on empty cells holds")
    parser.add_argument("--default-prefix", metavar="+34", help="the prefix of phones that have none")


def _choice(parser: argparse.ArgumentParser, flag: str, choices: type[StrEnum], metavar: str, text: str) -> None:
    """An option whose choices are an enum's; its first is the default, here and in the form."""
    default, *others = choices
    says = f"{text}: {default} (the default), {', '.join(others)}"
    parser.add_argument(flag, choices=[str(choice) for choice in choices], metavar=metavar, help=says)


def _catalogue_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--catalogue", metavar="FILE", help="the field catalogue (YAML); the built-in one by default")


def _warehouse_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--warehouse", metavar="URL", help="sqlite:///file.db or postgresql://user@host/database")


def _json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def _profile_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", action="store_true", help="print the seconds and rows a second of each stage")


def _import_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is no import number")
    return int(text)


def _day(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write for example 2026-07-31") from None


def _number_or_prune(text: str) -> int | str:
    return text if text == PRUNE else _import_number(text)


def _days(text: str) -> int:
    if not (text.endswith("d") and text[:-1].isascii() and text[:-1].isdigit() and 0 < int(text[:-1]) < 100_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; write for example 90d")
    return int(text[:-1])


def shows_password(options: argparse.Namespace) -> bool:
    """Whether the address of the warehouse has a password in it, which the list of processes shows to others."""
    return bool(re.search(r"://[^/?#]*:[^/?#]+@|[?&]password=", getattr(options, "warehouse", None) or ""))


def settings_from(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that have flags, as given."""
    named = {"warehouse_url": getattr(options, "warehouse", None), "catalogue": getattr(options, "catalogue", None)}
    return {name: value for name, value in named.items() if value is not None}
