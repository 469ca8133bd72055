"""Reads a block again, for rows that turned out to be needed only after their chunk was checked."""

from dataclasses import dataclass

import numpy as np

from transforms.chunks.read import ReadInputs, read_chunk
from transforms.chunks.split import take_rows
from transforms.parsing.blocks import Block
from transforms.work_folder import join_path, write_table


@dataclass(frozen=True)
class RereadInputs:
    """Everything that reading a block again needs."""

    read: ReadInputs
    folder: str


@dataclass(frozen=True)
class RowSelection:
    """Some records of a block; `rows` are their positions in it, in order."""

    block: Block
    rows: np.ndarray


def reread_rows(inputs: RereadInputs, some: RowSelection) -> str:
    """Write the raw rows, in the form of `check_chunk`'s rejected rows; returns the path."""
    table, _ = read_chunk(inputs.read, some.block)
    address = join_path(inputs.folder, f"reread-{some.block.index:05}.arrow")
    write_table(take_rows(table, some.rows), address)
    return address
