"""The first values of columns in a guided import."""

from pathlib import Path

from flows.config.request import ReadingOptions
from flows.guided.preview import first_values
from flows.pipeline.steps import land_file, map_source_columns
from tests.flows.pipeline.test_chunk_runs import catalogue
from transforms.sources.fetch import SourceAccess, resolve_address
from transforms.work_folder import ImportFolder


def test_a_column_that_starts_with_blank_cells_shows_its_first_values(tmp_path: Path) -> None:
    """In the first tens of kilobytes of the file."""
    rows = [f"contact{number:05}@example.com,{number if number > 1_000 else ''}\n" for number in range(1, 4_000)]
    (tmp_path / "contacts.csv").write_text("email,value\n" + "".join(rows))
    options, place = ReadingOptions(source=str(tmp_path / "contacts.csv")), ImportFolder.local(tmp_path)
    source = map_source_columns(
        options, catalogue(), land_file(options, place, resolve_address(options.source, SourceAccess()))
    )
    assert first_values(source)["column_2"] == "1001 · 1002 · 1003"
