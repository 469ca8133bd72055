"""The commands on presets: `contacts mapping save|list|show`."""

import argparse
from collections import Counter
from pathlib import Path

from flows.cli.console import print_table
from flows.cli.file_commands import request_from
from flows.cli.parser import OK, settings_from_options
from flows.cli.terminal import print_line, print_lines
from flows.config.output_files import open_output
from flows.config.request import ReadingOptions, local_today
from flows.config.settings import Settings
from flows.pipeline.temporary_folders import cleaned_up_on_sigterm, temporary_folder
from schemas.errors.request import OutputNotWritable, PresetExists, PresetInvalid, UsageError
from schemas.fields import header_key
from schemas.presets.loader import (
    BUILT_IN_PRESETS,
    dump_preset,
    find_preset_file,
    is_preset_path,
    list_preset_names,
    load_preset,
    split_preset_name,
)
from schemas.presets.model import AUTO, PRESET_NAME, ColumnRule, Preset
from transforms.mapping.columns import ColumnMapping, MappedColumn
from transforms.parsing.layout import count_rejection_columns
from transforms.work_folder import ImportFolder


def save_preset(options: argparse.Namespace) -> int:
    """Map the columns of a file as an import would, and save the mapping as a preset."""
    settings = Settings.load(**settings_from_options(options))
    target = _target_path(options.name, settings.presets, options.force)
    request = request_from(options, ReadingOptions)
    from flows.pipeline.sources import SourceLookups, find_source
    from flows.pipeline.steps import catalogue_for, land_file, map_source_columns
    from flows.prefect_lookups import source_logins

    with cleaned_up_on_sigterm(), temporary_folder() as folder:
        found = find_source(request, settings, SourceLookups(local_today, source_logins))
        landed = land_file(request, ImportFolder.local(folder), found, settings.limits)
        source = map_source_columns(request, catalogue_for(request, settings), landed, presets=settings.presets)
    base = None
    if source.mapping.preset:
        base = load_preset(split_preset_name(_preset_name(request, source.mapping))[0], settings.presets)
    preset = preset_from_mapping(options.name, source.mapping, request.header, base)
    _write(target, dump_preset(preset))
    print_line(f"{target}: {len(preset.columns)} columns; use it with --preset {options.name}")
    for note in source.mapping.notes:
        print_line(f"Note: {note}")
    return OK


def _preset_name(request: ReadingOptions, mapping: ColumnMapping) -> str:
    """The name that the request gives; with `auto`, the name of the preset that was found."""
    return str(mapping.preset if request.preset == AUTO else request.preset)


def _target_path(name: str, folder: Path, force: bool) -> Path:
    if not PRESET_NAME.fullmatch(name) or name == AUTO:
        raise UsageError(
            f"{name!r} cannot be the name of a preset; use letters, digits, - and _, and not the word '{AUTO}'"
        )
    if (BUILT_IN_PRESETS / f"{name}.yaml").is_file():
        raise PresetExists(name, "")
    path = folder / f"{name}.yaml"
    if path.exists() and not force:
        raise PresetExists(name, str(path))
    return path


def preset_from_mapping(name: str, mapping: ColumnMapping, header: bool, base: Preset | None) -> Preset:
    """The mapping as a preset; what the file's columns do not show is taken over from the preset it was read with.

    The columns that a rejected file adds are left out.
    """
    added = count_rejection_columns([column.name for column in mapping.columns])
    columns = mapping.columns[: len(mapping.columns) - added]
    times = Counter(header_key(column.name) for column in columns)
    rules = {_rule_key(column, times): _rule(column) for column in columns if column.field or column.ignored}
    fields = {rule.field for rule in rules.values()}
    base = base or Preset(columns={})
    parts = {
        part: it.model_copy(update={"constants": _constants_without(it.constants, fields)})
        for part, it in base.parts.items()
    }
    return Preset(
        name=name,
        label=base.label,
        note=base.note,
        signature=tuple(column.name for column in columns if header and column.name != column.key),
        columns={column: rule for column, rule in rules.items() if column not in base.never_read},
        constants=_constants_without(base.constants, fields),
        parts=parts,
        never_read=base.never_read,
    )


def _rule_key(column: MappedColumn, times: Counter[str]) -> str:
    return column.name if times[header_key(column.name)] == 1 else column.key


def _rule(column: MappedColumn) -> ColumnRule:
    if column.rule:
        return column.rule
    return ColumnRule(field=column.field.id if column.field else "")


def _constants_without(constants: dict[str, str], fields: set[str]) -> dict[str, str]:
    return {field: value for field, value in constants.items() if field not in fields}


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputNotWritable(str(path), error.strerror or "its folder cannot be created") from error
    with open_output(str(path)) as stream:
        stream.write(text.encode())


def list_presets(options: argparse.Namespace) -> int:
    """Print the user's own presets and the built-in ones."""
    folder = Settings.load().presets
    print_table(
        ("preset", "what it is for", "where"),
        [(name, _description(name, folder), _location(name, folder)) for name in list_preset_names(folder)],
    )
    return OK


def _description(name: str, folder: Path) -> str:
    try:
        preset = load_preset(name, folder)
    except PresetInvalid as error:
        return f"invalid: {error.problems[0]}"
    return preset.label + (f" (parts: {', '.join(preset.parts)})" if preset.parts else "")


def _location(name: str, folder: Path) -> str:
    path = find_preset_file(name, folder)
    return "built in" if path.parent == BUILT_IN_PRESETS else str(path)


def show_preset(options: argparse.Namespace) -> int:
    """Print the file of a preset, with its comments."""
    if options.name == AUTO:
        raise UsageError("auto means the preset that fits the file, so it has no file; see 'contacts mapping list'")
    name = split_preset_name(options.name)[0]
    path = Path(name) if is_preset_path(name) else find_preset_file(name, Settings.load().presets)
    load_preset(name, Settings.load().presets)
    print_lines(path.read_text(encoding="utf-8"))
    return OK
