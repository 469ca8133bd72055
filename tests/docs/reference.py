"""The sections of the docs that come from the code."""

import argparse
from collections.abc import Iterator
from enum import StrEnum

from pydantic.fields import FieldInfo

from flows.cli.parser import build_parser
from flows.cli.servers import local_server
from flows.config.request import ImportRequest, ReadingOptions
from flows.config.settings import ENV_PREFIX, Settings
from flows.reports.builder import ImportReportBuilder, ReportBuilder
from schemas.catalogue import FieldCatalogue
from schemas.choices import MergePolicy
from schemas.errors import base, changes, limits, request, source, warehouse
from schemas.errors.base import ContactImportError
from schemas.errors.request import UsageError
from schemas.field_types import TRAITS, FieldType, Gaps
from schemas.fields import Field, Option
from schemas.presets.loader import load_built_in_presets
from schemas.presets.model import ColumnRule, Part, Preset
from schemas.validation.pandera_schemas import CHECKS
from schemas.validation.rules import Rule
from tests.docs.sections import Section, code, codes, plain
from tests.transforms.judge_cells import field_of
from transforms.mapping.columns import ColumnOutcome
from transforms.parsing.layout import REJECTION_COLUMNS
from warehouse.import_list import entries as imports
from warehouse.tables import WarehouseTables

RULES, REFERENCE, PRESETS = "docs/rules.md", "docs/reference.md", "docs/presets.md"
ARCHITECTURE = "docs/architecture.md"
PACKAGES = ("flows", "transforms", "warehouse", "schemas")
OLD_NAME = "mapping"  # of presets, for one release
IMPORTS = {"import", "plan", "inbox"}
CHECKS_CELLS = {*IMPORTS, "check", "presets suggest"}
COMMAND_GROUPS = {  # docs/reference.md lists them above the table of options
    "all that import": IMPORTS,
    "all that import or check": {*IMPORTS, "check"},
    "all that check cells": CHECKS_CELLS,
    "all that read a source": {*CHECKS_CELLS, "presets save", "delete", "erase", "suppressions add"},
}
ERROR_MODULES = tuple(module.__name__ for module in (base, request, changes, source, limits, warehouse, local_server))


def sections() -> list[Section]:
    """Every section that comes from the code."""
    return [
        _types(),
        _enum("gaps", Gaps, "an empty cell"),
        _rejections(),
        _enum("column outcomes", ColumnOutcome, "what happened to the column"),
        _policies(),
        _commands(),
        _options(),
        _settings(),
        _errors(),
        _report(),
        _rows("rejected file", "column", REJECTION_COLUMNS, "content"),
        _rows("import statuses", "status", _statuses(), "meaning", REFERENCE),
        _tables(),
        _catalogue(),
        _preset_keys(),
        _built_in_presets(),
    ]


def _rows(name: str, title: str, keys: Iterator[str] | tuple[str, ...], by_hand: str, page: str = RULES) -> Section:
    return Section(name, page, (title,), tuple((code(key),) for key in keys), (by_hand,))


def _enum(name: str, values: type[StrEnum], by_hand: str) -> Section:
    return _rows(name, name.removeprefix("column ").removesuffix("s"), tuple(map(str, values)), by_hand)


def _types() -> Section:
    rows = tuple(
        (
            code(kind),
            str(TRAITS[kind].storage),
            code(Gaps.DROP_COLUMN if TRAITS[kind].dropped_with_gaps else Gaps.ALLOW),
            codes(str(check.error) for check in CHECKS[kind](field_of(kind))),
        )
        for kind in FieldType
    )
    return Section("types", RULES, ("type", "stored as", "gaps", "rejections"), rows, ("accepted",))


def _rejections() -> Section:
    return _rows("rejection codes", "code", tuple(Rule), "cause, and what to do")


def _policies() -> Section:
    rows = tuple((code(policy), "yes" if policy.can_clear else "no") for policy in MergePolicy)
    by_hand = ("no such contact", "stored empty, file has a value", "stored value, file has another", "file cell blank")
    return Section("merge policies", RULES, ("policy", "takes `--blanks clear`"), rows, by_hand)


def commands(parser: argparse.ArgumentParser | None = None) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that can be run, with its parser: `segments create`, but not `segments`."""
    parser = parser or build_parser()
    subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not subparsers:
        yield parser.prog.removeprefix("contacts "), parser
    for action in subparsers:
        for child in (each for name, each in action.choices.items() if name != OLD_NAME):
            yield from commands(child)


def _commands() -> Section:
    rows = tuple((code(_usage(name, parser)), plain(parser.description or "")) for name, parser in commands())
    return Section("commands", REFERENCE, ("command", "purpose"), rows)


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    positional = [action for action in parser._actions if not action.option_strings]
    arguments = [f"[{action.metavar}]" if action.nargs == "?" else str(action.metavar) for action in positional]
    return " ".join(["contacts", name, *arguments])


def options() -> dict[str, list[str]]:
    """The commands that take each option."""
    found: dict[str, list[str]] = {}
    for name, parser in commands():
        for action in parser._actions:
            for option in action.option_strings:
                if option.startswith("--") and option != "--help":
                    found.setdefault(option, []).append(name)
    return found


def _options() -> Section:
    actions = {name: action for _, parser in commands() for action in parser._actions for name in action.option_strings}
    rows = []
    for option, names in options().items():
        action = actions[option]
        short = [f"`{name}` " for name in action.option_strings if not name.startswith("--")]
        spelled = f"{option} {action.metavar or ''}".strip()
        rows.append(("".join(short) + code(spelled), _group(names), plain(action.help or "")))
    return Section("options", REFERENCE, ("option", "commands", "meaning"), tuple(rows))


def _group(names: list[str]) -> str:
    """The commands, or the name of the group that they are."""
    return next((words for words, group in COMMAND_GROUPS.items() if group == {*names}), codes(names))


def _settings() -> Section:
    rows = tuple(
        (code(f"{ENV_PREFIX}{name.upper()}"), plain(field.description or ""), _default(field))
        for name, field in Settings.model_fields.items()
    )
    return Section("settings", REFERENCE, ("variable", "write", "default"), rows, ("purpose",))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see right"
    if field.default in (None, ()):
        return "none"
    return code(str(field.default).lower() if field.annotation is bool else field.default)


def errors() -> dict[str, list[type[ContactImportError]]]:
    """The error classes by code."""
    found: dict[str, list[type[ContactImportError]]] = {}
    pending: list[type[ContactImportError]] = [ContactImportError]
    while pending:
        kind = pending.pop(0)
        pending = kind.__subclasses__() + pending
        ours = kind.__module__ in ERROR_MODULES and kind is not ContactImportError
        if ours and "code" in vars(kind):
            found.setdefault(kind.code, []).append(kind)
    order = {name: number for number, name in enumerate(ERROR_MODULES)}
    return dict(sorted(found.items(), key=lambda item: order[item[1][0].__module__]))


def _errors() -> Section:
    return _rows("error codes", "code", tuple(sorted(errors())), "meaning, and what to do", REFERENCE)


def _report() -> Section:
    error = UsageError("")
    whole = ImportReportBuilder(ImportRequest(source="contacts.csv")).failed(error).model_dump()
    check = ReportBuilder(ReadingOptions(source="contacts.csv")).failed(error).model_dump()
    rows = tuple((code(key), "import, check" if key in check else "import") for key in whole)
    return Section("report", REFERENCE, ("key", "in"), rows, ("content",))


def _statuses() -> tuple[str, ...]:
    return imports.RUNNING, imports.COMPLETED, imports.FAILED, imports.SKIPPED


def _tables() -> Section:
    tables = WarehouseTables(None).metadata.tables.values()
    rows = tuple((code(table.name), codes(column.name for column in table.columns)) for table in tables)
    return Section("tables", REFERENCE, ("table", "columns"), rows, ("a row is",))


def _catalogue() -> Section:
    keys = {"": FieldCatalogue.model_fields, "fields: ": Field.model_fields, "options: ": Option.model_fields}
    rows = tuple(
        (code(f"{place}{name}"), "yes" if field.is_required() else "no")
        for place, fields in keys.items()
        for name, field in fields.items()
    )
    return Section("catalogue", RULES, ("key", "needed"), rows, ("what to write",))


def _preset_keys() -> Section:
    keys = {"": Preset.model_fields, "columns: ": ColumnRule.model_fields, "parts: ": Part.model_fields}
    rows = tuple(
        (code(f"{place}{name}"), "yes" if field.is_required() else "no")
        for place, fields in keys.items()
        for name, field in fields.items()
        if name != "name"
    )
    return Section("preset keys", PRESETS, ("key", "needed"), rows, ("what to write",))


def _built_in_presets() -> Section:
    rows = tuple(
        (
            code(preset.name),
            plain(preset.label),
            codes(sorted({*_fields_of(preset)})),
            codes(preset.never_read),
            plain(preset.note),
        )
        for preset in load_built_in_presets()
    )
    header = ("preset", "export", "fields that it fills", "columns that are never read", "worth knowing")
    return Section("built-in presets", PRESETS, header, rows)


def _fields_of(preset: Preset) -> Iterator[str]:
    yield from (rule.field for rule in preset.columns.values() if rule.field)
    yield from preset.constants
    yield from (field for part in preset.parts.values() for field in part.constants)
