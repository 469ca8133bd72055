"""Reading a block again, for rows that nobody knew would be asked for when their chunk was checked."""

from dataclasses import dataclass

import numpy as np

from transforms.chunks.read import ReadPlan, read_chunk
from transforms.chunks.split import rows_of
from transforms.parsing.blocks import Block
from transforms.work_folder import inside, write_table


@dataclass(frozen=True)
class RereadPlan:
    """All that reading a block again needs to know."""

    read: ReadPlan
    folder: str


@dataclass(frozen=True)
class SomeRows:
    """Some records of a block, by their places in it, in order."""

    block: Block
    rows: np.ndarray


def reread_rows(plan: RereadPlan, some: SomeRows) -> str:
    """Write the rows as they are read, as `check_chunk` does with those that it rejects; where to."""
    table, _ = read_chunk(plan.read, some.block)
    place = inside(plan.folder, f"reread-{some.block.index:05}.arrow")
    write_table(rows_of(table, some.rows), place)
    return place
