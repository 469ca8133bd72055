"""The parser of the command line: each command, its options, and the function that runs it.

It imports neither pandas nor Prefect, so that a wrong command fails at once.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from flows.cli import options
from schemas.errors.base import did_you_mean
from schemas.errors.request import UsageError

OK, FAILED, WRONG_COMMAND = 0, 1, 2
SHELLS = ("bash", "zsh", "fish")


# The examples that the help of a command begins with.
IMPORT_EXAMPLES = (
    "contacts import contacts.csv",
    "contacts import contacts.csv --map 'Client e-mail=email' --fix",
    "contacts import export.xlsx --preset auto --merge overwrite --segment vip",
    "contacts import contacts.csv --merge overwrite --plan sha256:…",
    "contacts import 'exports/contacts-{date}.csv' --max-rejected 5% --if-same-file skip",
    "mysql … | contacts import - --delimiter tab --json",
)
PLAN_EXAMPLES = (
    "contacts plan contacts.csv --merge overwrite",
    "contacts plan contacts.csv --merge overwrite --output changes.csv",
)
CHECK_EXAMPLES = (
    "contacts check contacts.csv",
    "contacts check book.xlsx --fix --rejected rejected.csv",
    "contacts check 'export.zip!subscribed.csv' --preset mailchimp --accepted accepted.csv",
)


class CommandParser(argparse.ArgumentParser):
    """Raises our own error for a wrong command, so that `--json` can answer it in JSON."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Reports unknown arguments with the help of the subcommand; argparse would name that of `contacts`."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._did_you_mean(unknown)}")
        return parsed, unknown

    def _did_you_mean(self, unknown: Sequence[str]) -> str:
        written = next((word.partition("=")[0] for word in unknown if word.startswith("--")), "")
        return did_you_mean(written, [name for name in self._option_string_actions if name.startswith("--")])

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """The error for a wrong choice, with the most similar one; argparse before Python 3.14 has no suggestions."""
        if action.choices is not None and value not in action.choices:
            known = list(action.choices)
            suggestion = did_you_mean(str(value), known)
            raise argparse.ArgumentError(action, f"unknown: {value!r}{suggestion}; use one of: {', '.join(known)}")

    def error(self, message: str) -> NoReturn:
        without_password = re.sub(r"://\S*@", "://…@", message)
        without_password = re.sub(r"([?&]password=)[^&\s'\"]*", r"\1…", without_password)
        raise UsageError(f"{without_password}; run '{self.prog} --help' to see what is accepted")


class VersionAction(argparse.Action):
    """Looks up the version only when it is asked for: the look-up takes longer than parsing the command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"contact-import {version('contact-import')}\n")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; choices come from the enums that the code uses."""
    about = "Import contacts from CSV files and workbooks into a warehouse, by the rules of a field catalogue."
    parser = CommandParser(prog="contacts", description=about, allow_abbrev=False)
    parser.add_argument("--version", action=VersionAction, nargs=0, help="print the version and exit")
    parser.set_defaults(function="flows.cli.main:print_help")
    commands = _add_subcommands(parser, "command", "COMMAND", required=False)
    _add_file_commands(commands)
    _add_import_list_commands(commands)
    _add_change_commands(commands)
    _add_removal_commands(commands)
    _add_preset_commands(commands)
    _add_contact_commands(commands)
    text = "print the script with which a shell completes commands, options and names"
    command = _add_command(commands, "completion", "completion:print_script", text)
    command.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of: {', '.join(SHELLS)}")
    return parser


def _add_subcommands(parser: argparse.ArgumentParser, dest: str, metavar: str, *, required: bool = True) -> Any:
    return parser.add_subparsers(dest=dest, required=required, metavar=metavar, parser_class=CommandParser)


def _add_command(
    commands: Any, name: str, function: str, description: str, examples: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """`function` is module and name, below flows.cli; the module is imported when the command runs.

    The help of a command with `examples` begins with them, in place of a usage that lists every option.
    """
    more: dict[str, Any] = {}
    if examples:
        lines = "".join(f"\n  {example.replace('%', '%%')}" for example in examples)
        more["usage"] = f"%(prog)s SOURCE [options]\n\nexamples:{lines}"
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=description, description=description, allow_abbrev=False, **more
    )
    command.set_defaults(function=f"flows.cli.{function}")
    return command


def _add_file_commands(commands: Any) -> None:
    command = _add_command(
        commands,
        "import",
        "commands.files:import_file",
        "import contacts from a CSV file or a workbook",
        IMPORT_EXAMPLES,
    )
    options.add_reading_options(command)
    options.add_warehouse(command)
    options.add_merge_options(command)
    options.add_limits(command)
    options.add_plan(command)
    options.add_json(command)
    options.add_diagnostics(command)

    text = "show what an import would do, and change nothing"
    command = _add_command(commands, "plan", "commands.plan:plan", text, PLAN_EXAMPLES)
    options.add_reading_options(command)
    options.add_warehouse(command)
    options.add_merge_options(command)
    options.add_limits(command)
    options.add_output(command)
    options.add_json(command)
    options.add_diagnostics(command)

    text = "import the files of a folder, and move them to its folders done and failed"
    command = _add_command(commands, "inbox", "commands.inbox:watch_inbox", text)
    options.add_reading_options(command, inbox=True)
    options.add_warehouse(command)
    options.add_merge_options(command, inbox=True)
    options.add_limits(command)
    command.add_argument("--once", action="store_true", help="look once, two seconds long, and end")
    options.add_json(command)
    options.add_diagnostics(command)

    text = "check a CSV or workbook, without a warehouse"
    command = _add_command(commands, "check", "commands.files:check_file", text, CHECK_EXAMPLES)
    options.add_reading_options(command)
    options.add_strict(command)
    output = options.group(command, options.OUTPUT)
    output.add_argument("--accepted", metavar="FILE", help="write the accepted rows to this CSV file")
    output.add_argument("--rejected", metavar="FILE", help="write the rejected rows to this CSV file")
    options.add_force(command)
    options.add_json(command)
    options.add_diagnostics(command)


def _add_import_list_commands(commands: Any) -> None:
    text = "show the list of imports, or one import"
    command = _add_command(commands, "imports", "commands.import_list:show_imports", text)
    command.add_argument(
        "id",
        nargs="?",
        type=options.import_number_or_prune,
        metavar="ID",
        help="the number of an import, to print its report; or prune; without it, the last 50 imports",
    )
    command.add_argument(
        "--older-than", metavar="DAYS", type=options.days, help="with prune: delete import folders older than 90d"
    )
    options.add_warehouse(command)
    options.add_json(command)

    text = "print the rejected rows of an import as CSV, or save them as a workbook"
    command = _add_command(commands, "rejected", "commands.import_list:write_rejected_rows", text)
    command.add_argument("id", type=options.import_number, metavar="ID", help="the number of the import in the list")
    options.add_output(command)
    options.add_warehouse(command)


def _add_change_commands(commands: Any) -> None:
    text = "show what an import changed in the contacts"
    command = _add_command(commands, "changes", "commands.changes:show_changes", text)
    command.add_argument("id", type=options.import_number, metavar="ID", help="the number of the import in the list")
    _add_change_options(command)

    text = "show what imports changed in one contact"
    command = _add_command(commands, "history", "commands.changes:show_history", text)
    command.add_argument("email", metavar="EMAIL", help="the email of the contact")
    options.add_catalogue(command)
    options.add_warehouse(command)
    options.add_json(command)

    text = "take an import back, as far as its values are still there"
    command = _add_command(commands, "undo", "commands.changes:undo", text)
    command.add_argument("id", type=options.import_number, metavar="ID", help="the number of the import in the list")
    options.add_dry_run(command)
    _add_change_options(command)


def _add_change_options(command: argparse.ArgumentParser) -> None:
    options.add_output(command)
    options.add_catalogue(command)
    options.add_warehouse(command)
    options.add_json(command)


def _add_removal_commands(commands: Any) -> None:
    text = "delete the contacts of a list of addresses, or of a segment; an undo brings them back"
    command = _add_command(commands, "delete", "commands.removal:delete", text)
    options.add_layout_options(command, source_optional=True)
    command.add_argument("-s", "--segment", metavar="NAME", help=options.SEGMENT_HELP)
    expect = "delete only if it is exactly so many contacts; the dry run says how many"
    command.add_argument("--expect", metavar="N", type=options.count, help=expect)
    _add_removal_options(command)

    text = "erase people for good: contacts, journal and rejected rows; no import brings their addresses"
    command = _add_command(commands, "erase", "commands.removal:erase", text)
    options.add_layout_options(command, source_optional=True)
    options.add_email(command, required=False)
    _add_removal_options(command)

    show_list = "commands.removal:show_suppressions"
    text = "keep addresses out of the warehouse, or list those that are kept out"
    group = _add_command(commands, "suppressions", show_list, text)
    actions = _add_subcommands(group, "action", "add|remove|list")
    text = "suppress the addresses of a list: no import brings them, and no undo restores them"
    command = _add_command(actions, "add", "commands.removal:suppress", text)
    options.add_layout_options(command)
    command.add_argument("--reason", metavar="TEXT", default="added by hand", help="why; it is stored as it is written")
    _add_removal_options(command)
    text = "let imports bring an address again"
    command = _add_command(actions, "remove", "commands.removal:allow", text)
    options.add_email(command, required=True)
    _add_removal_options(command)
    command = _add_command(actions, "list", show_list, "list the last suppressions: when and why")
    options.add_limit(command)
    options.add_warehouse(command)
    options.add_json(command)


def _add_removal_options(command: argparse.ArgumentParser) -> None:
    options.add_dry_run(command)
    options.add_warehouse(command)
    options.add_json(command)


def _add_preset_commands(commands: Any) -> None:
    show_list = "commands.presets:list_presets"
    group = _add_command(commands, "presets", show_list, "suggest, save, list or show presets")
    actions = _add_subcommands(group, "action", "suggest|save|list|show")

    text = "check a file, and write a preset that would read it"
    command = _add_command(actions, "suggest", "commands.presets:suggest_preset", text)
    options.add_reading_options(command)
    command.add_argument("--save", metavar="NAME", help="save it as your own preset, for --preset NAME")
    options.add_output(command)
    _add_preset_actions(actions)

    old = _add_command(commands, "mapping", show_list, "the old name of presets, for this release")
    _add_preset_actions(_add_subcommands(old, "action", "save|list|show"))


def _add_preset_actions(actions: Any) -> None:
    text = "save the mapping of a file as a preset"
    command = _add_command(actions, "save", "commands.presets:save_preset", text)
    command.add_argument("name", metavar="NAME", help="the name of the new preset, for --preset")
    options.add_layout_options(command)
    options.add_value(command)
    options.add_force(command)

    _add_command(actions, "list", "commands.presets:list_presets", "list your own presets and the built-in ones")
    command = _add_command(actions, "show", "commands.presets:show_preset", "print the file of a preset")
    command.add_argument("known_preset", metavar="NAME", help="its name, or the path of its file")


def _add_contact_commands(commands: Any) -> None:
    show_list = "commands.contacts:list_all_segments"
    group = _add_command(commands, "segments", show_list, "create or list segments of contacts")
    actions = _add_subcommands(group, "action", "create|list")
    command = _add_command(actions, "create", "commands.contacts:create_new_segment", "create a segment")
    command.add_argument("name", metavar="NAME", help="the name of the new segment, for --segment")
    options.add_warehouse(command)
    options.add_warehouse(_add_command(actions, "list", show_list, "list the segments"))

    command = _add_command(commands, "list", "commands.contacts:show_contacts", "show the first contacts")
    command.add_argument("-s", "--segment", metavar="NAME", help=options.SEGMENT_HELP)
    options.add_limit(command)
    options.add_catalogue(command)
    options.add_warehouse(command)
    options.add_json(command)

    command = _add_command(commands, "show", "commands.contacts:show_contact", "show one contact")
    command.add_argument("email", metavar="EMAIL", help="the email of the contact")
    options.add_catalogue(command)
    options.add_warehouse(command)
    options.add_json(command)

    command = _add_command(commands, "fields", "commands.contacts:show_fields", "list the fields of the catalogue")
    options.add_catalogue(command)
    options.add_json(command)

    text = "write all contacts as a CSV that imports again unchanged"
    command = _add_command(commands, "export", "commands.contacts:export_contacts", text)
    options.add_output(command)
    options.add_catalogue(command)
    options.add_warehouse(command)


def has_visible_password(arguments: argparse.Namespace) -> bool:
    """Whether `--warehouse` holds a password, which other users can read in the list of processes."""
    return bool(re.search(r"://[^/?#]*:[^/?#]+@|[?&]password=", getattr(arguments, "warehouse", None) or ""))


def settings_from_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that have an option; None where it was not used."""
    return {
        "warehouse_url": getattr(arguments, "warehouse", None),
        "catalogue": getattr(arguments, "catalogue", None),
    }
