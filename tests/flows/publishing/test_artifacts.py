"""The table of rejected rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.config.settings import Settings
from flows.publishing.artifacts import rejected_rows_table
from flows.publishing.list_artifact import list_description
from transforms.results.rejected_file import RejectedRows
from transforms.work_folder import write_table


@pytest.mark.parametrize(("values", "shown"), [("shown", ["", "no"]), ("masked", ["•••", "•••"])])
def test_a_row_rejected_as_a_whole_has_an_empty_column_and_value_beside_rejected_cells(
    tmp_path: Path, values: Any, shown: list[str]
) -> None:
    sample = pa.table(
        {
            "record_number": [1, 2],
            "line_number": [2, 3],
            "column_name": [None, "Email"],
            "code": ["row-too-short", "email-invalid"],
            "message": ["3 cells, the header has 4", "it has no @"],
            "value": [None, "no"],
            "email": [None, "no"],
        }
    )
    write_table(sample, str(tmp_path / "sample"))
    rejected = RejectedRows(2, {}, "", 0, "", str(tmp_path / "sample"))
    rows = rejected_rows_table(rejected, Settings(artifact_values=values, home=tmp_path))
    assert [row["column"] for row in rows] == ["", "Email"]
    assert [row["value"] for row in rows] == [row["email"] for row in rows] == shown


@pytest.mark.parametrize(("imports", "text"), [(1, "The only import so far."), (50, "The last 50 imports.")])
def test_the_description_of_the_import_list_reads_well_for_any_number(imports: int, text: str) -> None:
    assert list_description(imports) == text
