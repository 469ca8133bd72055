"""What commands open: the warehouse, and the file or terminal that they write to."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from flows.cli.terminal import open_terminal
from flows.config.output_files import check_output, open_output
from flows.config.settings import Settings
from warehouse.database.connection import Warehouse
from warehouse.database.migrations import create_tables


@contextmanager
def open_warehouse(settings: Settings, *, create: bool = False) -> Iterator[Warehouse]:
    """Only a command that stores something may `create` the warehouse; for others a mistyped address is an error."""
    with Warehouse.open(
        settings.warehouse_url.get_secret_value(), settings.warehouse_schema, create=create
    ) as warehouse:
        create_tables(warehouse)
        yield warehouse


@contextmanager
def open_target(options: argparse.Namespace, settings: Settings) -> Iterator[BinaryIO]:
    """The file that `--output` names, or standard output."""
    if options.output is None:
        with open_terminal() as stream:
            yield stream
    else:
        check_output(options.output, settings, force=options.force)
        with open_output(options.output) as stream:
            yield stream
