"""Reading a block again, for rows that nobody knew would be asked for when their chunk was checked."""

from dataclasses import dataclass

import numpy as np

from transforms.chunks.read import ReadPlan, read_chunk
from transforms.chunks.split import take_rows
from transforms.parsing.blocks import Block
from transforms.work_folder import join_path, write_table


@dataclass(frozen=True)
class RereadPlan:
    """All that reading a block again needs to know."""

    read: ReadPlan
    folder: str


@dataclass(frozen=True)
class RowSelection:
    """Some records of a block, by their places in it, in order."""

    block: Block
    rows: np.ndarray


def reread_rows(plan: RereadPlan, some: RowSelection) -> str:
    """Write the rows as they are read, as `check_chunk` does with those that it rejects; where to."""
    table, _ = read_chunk(plan.read, some.block)
    place = join_path(plan.folder, f"reread-{some.block.index:05}.arrow")
    write_table(take_rows(table, some.rows), place)
    return place
