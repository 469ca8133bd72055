"""The commands on presets: `contacts presets suggest|save|list|show`."""

import argparse
from pathlib import Path

from flows.cli.commands.files import command_logins, inputs_of, request_from
from flows.cli.console import print_table
from flows.cli.parser import OK, settings_from_options
from flows.cli.tables import Column
from flows.cli.terminal import print_line, print_lines
from flows.config.output_files import check_output, open_output
from flows.config.preset_files import path_of_new_preset, write_preset
from flows.config.request import ReadingOptions, local_today
from flows.config.settings import Settings
from flows.pipeline.temporary_folders import cleaned_up_on_sigterm, temporary_folder
from schemas.errors.request import PresetInvalid, UsageError
from schemas.presets.loader import (
    BUILT_IN_PRESETS,
    find_preset_file,
    is_preset_path,
    list_preset_names,
    load_preset,
    split_preset_name,
)
from schemas.presets.model import AUTO
from schemas.presets.writer import dump_preset
from transforms.mapping.added_rules import add_certain
from transforms.mapping.saved_preset import open_points, preset_from_mapping
from transforms.results.unmatched_values import count_unmatched
from transforms.work_folder import ImportFolder


def save_preset(options: argparse.Namespace) -> int:
    """Map the columns of a file as an import would, and save the mapping as a preset."""
    settings = Settings.load(**settings_from_options(options))
    target = path_of_new_preset(options.name, settings.presets, force=options.force)
    request = request_from(options, ReadingOptions)
    from flows.pipeline.sources import SourceLookups
    from flows.pipeline.steps import catalogue_for, read_source
    from flows.reports.builder import ReportBuilder

    with cleaned_up_on_sigterm(), temporary_folder() as folder:
        catalogue, place = catalogue_for(request, settings), ImportFolder.local(folder)
        lookups = SourceLookups(local_today, command_logins)
        source = read_source(ReportBuilder(request), catalogue, settings, place, lookups)
    preset = preset_from_mapping(options.name, source.mapping, request.header, settings.presets)
    write_preset(target, dump_preset(preset))
    print_line(f"{target}: {len(preset.columns)} columns; use it with --preset {options.name}")
    for note in source.mapping.notes:
        print_line(f"Note: {note}")
    return OK


def suggest_preset(options: argparse.Namespace) -> int:
    """Check a file, and write a preset that reads it: what is certain is active, the rest is in comments."""
    settings = Settings.load(**settings_from_options(options))
    if options.save is not None and options.output is not None:
        raise UsageError("--save and --output both say where the preset goes; write one of them")
    target = None if options.save is None else path_of_new_preset(options.save, settings.presets, force=options.force)
    request = request_from(options, ReadingOptions)
    if options.output is not None:
        check_output(options.output, settings, inputs_of(request), force=options.force)
    text = _suggested_preset(request, settings, options.save or "")
    if target:
        write_preset(target, text)
        # A preset has no country prefix.
        prefix = f" --default-prefix {request.default_prefix}" if request.default_prefix else ""
        print_line(f"{target}: look at its comments, then use it with --preset {options.save}{prefix}")
    elif options.output:
        with open_output(options.output) as stream:
            stream.write(text.encode())
    else:
        print_lines(text)
    return OK


def _suggested_preset(request: ReadingOptions, settings: Settings, name: str) -> str:
    from flows.pipeline.check import check_file
    from flows.pipeline.sources import SourceLookups
    from flows.reports.builder import ReportBuilder

    report = ReportBuilder(request)
    lookups = SourceLookups(local_today, command_logins)
    with cleaned_up_on_sigterm(), temporary_folder() as folder:
        checked = check_file(report, settings, ImportFolder.local(folder), lookups)
        unmatched = count_unmatched(checked.results, checked.mapping)
    mapping = add_certain(checked.mapping, report.suggestions)
    uncertain = [each for each in report.suggestions if not each.certain]
    preset = preset_from_mapping(name, mapping, request.header, settings.presets)
    return dump_preset(preset, open_points(mapping, uncertain, unmatched))


def list_presets(options: argparse.Namespace) -> int:
    """Print the user's own presets and the built-in ones."""
    folder = Settings.load().presets
    print_table(
        (Column("preset", fixed=True), "what it is for", Column("where", cut=True)),
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
    if options.known_preset == AUTO:
        raise UsageError("auto means the preset that fits the file, so it has no file; see 'contacts presets list'")
    name = split_preset_name(options.known_preset)[0]
    path = Path(name) if is_preset_path(name) else find_preset_file(name, Settings.load().presets)
    load_preset(name, Settings.load().presets)
    print_lines(path.read_text(encoding="utf-8"))
    return OK
