"""The command line: what can be asked for, and which function answers.

Importing this loads no pandas and no Prefect, so that a wrong command is told at once.
"""

import argparse
import re
import sys
from typing import Any, NoReturn

from flows.cli import options
from schemas.errors.request import UsageError

OK, FAILED, WRONG_COMMAND = 0, 1, 2


class CommandParser(argparse.ArgumentParser):
    """Wrong commands as errors of ours, so that `--json` answers them in JSON too."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """A command names its own `--help` for what it does not know; argparse would name that of `contacts`."""
        given, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return given, unknown

    def error(self, message: str) -> NoReturn:
        secret = re.sub(r"://[^@\s]*@", "://…@", message)  # an address may hold a password
        raise UsageError(f"{secret}; '{self.prog} --help' shows what there is")


class VersionAction(argparse.Action):
    """Which release this is, looked up when somebody asks: it takes longer than all the rest of the command line."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"contact-import {version('contact-import')}\n")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; choices come from the enums that the code uses."""
    about = "Contacts from CSV files into a warehouse, under the rules that a field catalogue sets."
    parser = CommandParser(prog="contacts", description=about, allow_abbrev=False)
    parser.add_argument("--version", action=VersionAction, nargs=0, help="show which release this is and exit")
    commands = _subcommands(parser, "command", "COMMAND")
    for add in (_import, _check, _imports, _rejected, _mapping, _segments, _fields, _export):
        add(commands)
    return parser


def _subcommands(parser: argparse.ArgumentParser, dest: str, metavar: str) -> Any:
    """The place for a parser's commands, one of which must be named."""
    return parser.add_subparsers(dest=dest, required=True, metavar=metavar, parser_class=CommandParser)


def _command(under: Any, name: str, run: str, text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = under.add_parser(name, help=text, description=text, allow_abbrev=False)
    added.set_defaults(run=run)
    return added


def _import(commands: Any) -> None:
    importing = _command(
        commands, "import", "flows.cli.file_commands:run_import_command", "import contacts from a CSV file"
    )
    options.reading(importing)
    options.warehouse(importing)
    options.merging(importing)
    options.ceilings(importing)
    options.as_json(importing)
    options.profile(importing)


def _check(commands: Any) -> None:
    checking = _command(
        commands, "check", "flows.cli.file_commands:run_check_command", "check a CSV file, without a warehouse"
    )
    options.reading(checking)
    checking.add_argument("--accepted", metavar="FILE", help="write the accepted rows here, as CSV")
    checking.add_argument("--rejected", metavar="FILE", help="write the rejected rows here, as CSV")
    options.as_json(checking)
    options.profile(checking)


def _imports(commands: Any) -> None:
    listing = _command(
        commands, "imports", "flows.cli.warehouse_commands:show_imports", "the import list, or one import"
    )
    listing.add_argument(
        "id",
        nargs="?",
        type=options.import_number_or_prune,
        metavar="ID",
        help="this import's report, or prune; else the last 50",
    )
    listing.add_argument(
        "--older-than", metavar="DAYS", type=options.days, help="with prune: delete import folders older than 90d"
    )
    options.warehouse(listing)
    options.as_json(listing)


def _rejected(commands: Any) -> None:
    rejecting = _command(
        commands, "rejected", "flows.cli.warehouse_commands:show_rejected", "the rejected rows of an import, as CSV"
    )
    rejecting.add_argument("id", type=options.import_number, metavar="ID", help="its number in the import list")
    options.output(rejecting)
    options.warehouse(rejecting)


def _mapping(commands: Any) -> None:
    run = "flows.cli.preset_commands:list_mappings"
    actions = _subcommands(_command(commands, "mapping", run, "presets: saved mappings"), "action", "save|list|show")
    text = "save the mapping found for a file as a preset"
    saving = _command(actions, "save", "flows.cli.preset_commands:save_mapping", text)
    saving.add_argument("name", metavar="NAME", help="the name that --preset will ask for")
    options.layout(saving)
    saving.add_argument("--force", action="store_true", help="write over your own preset of this name")
    _command(actions, "list", run, "list your own presets and the built-in ones")
    showing = _command(actions, "show", "flows.cli.preset_commands:show_mapping", "print a preset as it is written")
    showing.add_argument("name", metavar="NAME", help="its name, or the path of its file")


def _segments(commands: Any) -> None:
    run = "flows.cli.warehouse_commands:show_segments"
    actions = _subcommands(_command(commands, "segments", run, "segments of contacts"), "action", "create|list")
    creating = _command(actions, "create", "flows.cli.warehouse_commands:create", "create a segment")
    creating.add_argument("name", metavar="NAME", help="the name that --segment will ask for")
    options.warehouse(creating)
    options.warehouse(_command(actions, "list", run, "list the segments"))


def _fields(commands: Any) -> None:
    fields = _command(commands, "fields", "flows.cli.warehouse_commands:show_fields", "the fields of the catalogue")
    options.catalogue(fields)
    options.as_json(fields)


def _export(commands: Any) -> None:
    text = "all contacts as a CSV that imports again unchanged"
    exporting = _command(commands, "export", "flows.cli.warehouse_commands:export", text)
    options.output(exporting)
    options.catalogue(exporting)
    options.warehouse(exporting)


def has_visible_password(given: argparse.Namespace) -> bool:
    """Whether the address of the warehouse has a password in it, which the list of processes shows to others."""
    return bool(re.search(r"://[^/?#]*:[^/?#]+@|[?&]password=", getattr(given, "warehouse", None) or ""))


def settings_from_options(given: argparse.Namespace) -> dict[str, Any]:
    """The settings that have flags, as given."""
    named = {"warehouse_url": getattr(given, "warehouse", None), "catalogue": getattr(given, "catalogue", None)}
    return {name: value for name, value in named.items() if value is not None}
