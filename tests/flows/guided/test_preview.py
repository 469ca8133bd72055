"""The first values of columns in a guided import."""

from pathlib import Path

from flows.config.request import ReadingOptions
from flows.guided.preview import first_values
from flows.pipeline.steps import SourceFile, detect_layout, land_file, map_source_columns
from schemas.cells.suppressed_emails import SuppressedEmails, hash_email, new_key
from tests.flows.pipeline.test_chunk_runs import catalogue
from transforms.sources.fetch import SourceAccess, resolve_address
from transforms.work_folder import ImportFolder


def source_of(text: str, folder: Path) -> SourceFile:
    (folder / "contacts.csv").write_text(text)
    options, place = ReadingOptions(source=str(folder / "contacts.csv")), ImportFolder.local(folder)
    landed = land_file(options, place, resolve_address(options.source, SourceAccess()))
    return map_source_columns(options, catalogue(), landed, detect_layout(options, catalogue(), landed))


def test_a_column_that_starts_with_blank_cells_shows_its_first_values(tmp_path: Path) -> None:
    """In the first tens of kilobytes of the file."""
    rows = [f"contact{number:05}@example.com,{number if number > 1_000 else ''}\n" for number in range(1, 4_000)]
    source = source_of("email,value\n" + "".join(rows), tmp_path)
    assert first_values(source)["column_2"] == "1001 · 1002 · 1003"


def test_the_first_values_leave_out_suppressed_people(tmp_path: Path) -> None:
    """Also before anybody has said which column is the email."""
    key = new_key()
    suppressed = SuppressedEmails.of(key, [hash_email(key, "ann@example.com")])
    source = source_of("email,mail,city\nx@example.com,Ann@Example.com,Vic\nbob@example.com,,Reus\n", tmp_path)
    assert first_values(source, suppressed) == {"column_1": "bob@example.com", "column_2": "", "column_3": "Reus"}
