"""The steps from the source to the rejected file, the same for a check and an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.sources import SourceLookups, find_source
from flows.pipeline.task_order import ChunkRunner
from flows.reports.builder import ReportBuilder
from schemas.catalogue import FieldCatalogue, load_catalogue
from schemas.choices import GapRule
from schemas.errors.request import NoEmailColumn
from transforms.chunks.duplicates import resolve_duplicates
from transforms.chunks.file_profile import FileProfile
from transforms.chunks.read import ReadInputs
from transforms.chunks.split import ChunkResult
from transforms.landing.archives import DEFAULT_LIMITS, ExpansionLimits
from transforms.landing.land import Landed, land
from transforms.landing.unwrap import unwrap_lines
from transforms.mapping.added_rules import add_readings, add_rules_of_first_import, add_values
from transforms.mapping.columns import ColumnMapping, read_mapping
from transforms.mapping.preset_fit import find_preset, map_with_preset
from transforms.parsing.first_cells import first_cells
from transforms.parsing.layout import REJECTION_COLUMNS, Layout, find_layout
from transforms.results.rejected_file import RejectedInputs, RejectedRows, write_rejected
from transforms.results.retry_file import NO_FIRST_IMPORT, FirstImport, columns_of_first_import, notes_on_lost_fields
from transforms.sources.fetch import ResolvedSource, land_unchanged
from transforms.work_folder import ImportFolder

if TYPE_CHECKING:  # importing the warehouse takes half a second, and a check does not need it
    from warehouse.merge.transaction import SuppressionCheck


@dataclass(frozen=True)
class SourceFile:
    """A landed source, with its layout and the fields of its columns."""

    landed: Landed
    layout: Layout
    mapping: ColumnMapping

    @property
    def read_inputs(self) -> ReadInputs:
        return ReadInputs(self.landed.path, self.layout, self.mapping)


@dataclass(frozen=True)
class CheckedFile:
    """A file with the results of its chunks, and its rejected rows.

    `suppressions` is for the merge, which rejects addresses that were suppressed since.
    """

    mapping: ColumnMapping
    profile: FileProfile
    results: Sequence[ChunkResult]
    rejected: RejectedRows
    suppressions: "SuppressionCheck | None" = None

    @property
    def accepted(self) -> int:
        return self.profile.records - self.rejected.rows


def catalogue_for(options: ReadingOptions, settings: Settings) -> FieldCatalogue:
    """The catalogue with the gap rule and the default prefix of this request."""
    return load_catalogue(settings.catalogue).adapt(
        allow_gaps=options.gaps is GapRule.ALLOW,
        default_prefix=options.default_prefix or settings.default_prefix,
    )


def land_file(
    options: ReadingOptions, folder: ImportFolder, found: ResolvedSource, limits: ExpansionLimits = DEFAULT_LIMITS
) -> Landed:
    """Copy the source into the folder, as UTF-8 text."""
    landed = land_unchanged(found, lambda blocks: land(found.redacted, folder, options.encoding, limits, blocks))
    return unwrap_lines(landed) if options.unwrap_lines else landed


def detect_layout(options: ReadingOptions, catalogue: FieldCatalogue, landed: Landed) -> Layout:
    """Find the dialect and the columns of the landed text."""
    return find_layout(landed, catalogue, options.dialect)


def map_source_columns(
    options: ReadingOptions,
    catalogue: FieldCatalogue,
    landed: Landed,
    layout: Layout,
    first_import: FirstImport = NO_FIRST_IMPORT,
    presets: Path | None = None,
    answer: Mapping[str, str] | None = None,
    readings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    final: bool = True,
) -> SourceFile:
    """Map the columns to fields. A retry maps and translates them as its `first_import` did.

    `presets` is the folder of the user's own presets. `answer` is the mapping chosen in a form, which comes first;
    `readings` are the translations chosen in a form, by column. `final`: nobody will review the mapping, so it must be
    complete.
    """
    from_file = read_mapping(options.mapping_file) if options.mapping_file else ()
    requested = ((answer or {}).items(), options.mapping.items(), from_file)
    never = REJECTION_COLUMNS if layout.rejected_file else ()
    kept = columns_of_first_import(layout.columns, first_import.columns, catalogue)
    name = options.preset or first_import.preset
    preset = find_preset(name, presets, layout.columns, landed.source, first_import.preset) if name else None
    first = first_cells(landed, layout)
    try:
        mapping = map_with_preset(layout.columns, catalogue, requested, never, kept, preset, first, final=final)
    except NoEmailColumn as error:
        raise replace(error, lines_above=layout.lines_above, wrapped=layout.wrapped) from None
    if final:
        mapping = add_rules_of_first_import(mapping, first_import.columns)
        mapping = add_values(mapping, options.values, catalogue.default_prefix)
        mapping = add_readings(mapping, readings or {})
    lost = notes_on_lost_fields(layout.columns, requested, first_import, catalogue)
    return SourceFile(landed, layout, replace(mapping, notes=(*mapping.notes, *lost)))


def read_source(
    report: ReportBuilder,
    catalogue: FieldCatalogue,
    settings: Settings,
    folder: ImportFolder,
    lookups: SourceLookups,
) -> SourceFile:
    """Find the source, copy it into the folder, and map its columns. The report gets what becomes known."""
    options = report.options
    found = find_source(options, settings, lookups)
    report.landed = landed = land_file(options, folder, found, settings.limits)
    report.layout = layout = detect_layout(options, catalogue, landed)
    source = map_source_columns(options, catalogue, landed, layout, presets=settings.presets)
    report.mapping = source.mapping
    return source


def resolve_rejections(
    inputs: RejectedInputs, profile: FileProfile, results: Sequence[ChunkResult], run: ChunkRunner
) -> RejectedRows:
    """Choose among rows with the same email over the whole file, and write the rejected file."""
    resolve_duplicates(results, profile.chunks, inputs.duplicates, inputs.scratch)
    return write_rejected(inputs, profile.chunks, results, run)
