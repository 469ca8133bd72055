"""Reads a list of addresses: the email column of a file that is read and mapped like an import."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.chunk_runs import FileCheck, check_whole_file
from flows.pipeline.progress import NoProgress
from flows.pipeline.sources import SourceLookups
from flows.pipeline.steps import SourceFile, catalogue_for, read_source
from flows.pipeline.task_order import thread_runner
from flows.reports.builder import ReportBuilder
from schemas.errors.changes import NoEmailInList
from transforms.sources.addresses import redacted
from transforms.work_folder import ImportFolder, read_table


@dataclass(frozen=True)
class AddressList:
    """The valid addresses of a file, in files of its folder.

    `invalid` rows have none, the first of them on line `first_invalid_line`.
    """

    rows: int
    invalid: int
    first_invalid_line: int
    paths: tuple[str, ...]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The addresses as they are stored, in the column `email`; one may repeat."""
        for path in self.paths:
            yield from read_table(path, columns=["email"]).to_batches()


def read_address_list(options: ReadingOptions, settings: Settings, folder: Path, lookups: SourceLookups) -> AddressList:
    """Read the addresses of a source. NoEmailInList if it has none, since then the column is probably wrong."""
    work = ImportFolder.local(folder)
    catalogue = catalogue_for(options, settings)
    source = read_source(ReportBuilder(options), catalogue, settings, work, lookups)
    with thread_runner(settings.workers) as run:
        check = FileCheck(
            _only_email(source),
            catalogue.default_prefix,
            work,
            settings.chunk_bytes,
            run,
            NoProgress(),
            keys_only=True,
        )
        profile, results = check_whole_file(check)
    if not any(result.accepted for result in results):
        column, _ = source.mapping.column_of(catalogue.identity.id)
        raise NoEmailInList(redacted(options.source), column.name)
    lines = [
        int(np.asarray(read_table(result.rejections_path, columns=["line_number"])["line_number"])[0])
        + chunk.first_line
        for chunk, result in zip(profile.chunks, results, strict=True)
        if result.rejections_path
    ]
    return AddressList(
        profile.records,
        sum(result.rejected for result in results),
        min(lines, default=0),
        tuple(result.accepted_path for result in results),
    )


def _only_email(source: SourceFile) -> SourceFile:
    """The file without its other columns, whose cells then reject no row."""
    columns = tuple(
        column if column.field and column.field.identity else replace(column, field=None, ignored=True, rule=None)
        for column in source.mapping.columns
    )
    return replace(source, mapping=replace(source.mapping, columns=columns, constants=()))
