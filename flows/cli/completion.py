"""Completion by the shell: `contacts completion SHELL` prints the script, which asks this module at each Tab.

argcomplete is imported here only, so no other start of the command pays for it. What completes a name is imported when
it is needed: a person waits.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from argcomplete import autocomplete
from argcomplete.shell_integration import shellcode

from flows.cli.parser import OK, build_parser, settings_from_options
from flows.cli.terminal import print_lines
from schemas.choices import FieldPolicy

if TYPE_CHECKING:
    from flows.config.settings import Settings

COMMAND = "contacts"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")  # the scripts do not quote it


def complete() -> None:
    """Print what may follow on the command line, and end the process."""
    parser = build_parser()
    for action in _actions(parser):
        if completer := _COMPLETERS.get(action.dest):
            action.completer = _without_errors(completer)  # type: ignore[attr-defined]
    autocomplete(parser)


def print_script(options: argparse.Namespace) -> int:
    """Print the script of a shell. It names this installation, which need not be on the PATH."""
    own = Path(sys.executable).with_name(COMMAND)
    script = str(own) if own.is_file() and _PLAIN_PATH.fullmatch(str(own)) else None
    print_lines(shellcode([COMMAND], shell=options.shell, argcomplete_script=script))
    return OK


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        yield action


def _fields(_: str, options: argparse.Namespace) -> Iterable[str]:
    from schemas.catalogue import load_catalogue

    return load_catalogue(_settings(options).catalogue).ids


def _column_and_field(prefix: str, options: argparse.Namespace) -> Iterable[str]:
    column, equals, _ = prefix.rpartition("=")
    return [f"{column}={field}" for field in _fields("", options)] if equals else []


def _field_and_policy(prefix: str, options: argparse.Namespace) -> Iterable[str]:
    field, equals, _ = prefix.partition("=")
    return [f"{field}={policy}" for policy in FieldPolicy] if equals else [f"{id}=" for id in _fields("", options)]


def _presets(_: str, options: argparse.Namespace) -> Iterable[str]:
    from schemas.presets.loader import list_preset_names
    from schemas.presets.model import AUTO

    return [*list_preset_names(_settings(options).presets), AUTO]


def _segments(_: str, options: argparse.Namespace) -> Iterable[str]:
    from warehouse.contacts.segments import list_segments
    from warehouse.database.connection import Warehouse

    settings = _settings(options)
    url = settings.warehouse_url.get_secret_value()
    with Warehouse.open(url, settings.warehouse_schema, create=False) as warehouse:
        return [row["segment_id"] for row in list_segments(warehouse)]


def _settings(options: argparse.Namespace) -> "Settings":
    from flows.config.settings import Settings

    return Settings.load(**settings_from_options(options))


Completer = Callable[[str, argparse.Namespace], Iterable[str]]
_COMPLETERS: dict[str, Completer] = {
    "map": _column_and_field,
    "merge_field": _field_and_policy,
    "require": _fields,
    "preset": _presets,
    "known_preset": _presets,
    "segment": _segments,
}


def _without_errors(completer: Completer) -> Callable[..., list[str]]:
    """Without a catalogue or a warehouse there is nothing to complete, and no place for a message."""

    def names(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        with suppress(Exception):
            return list(completer(prefix, parsed_args))
        return []

    return names
