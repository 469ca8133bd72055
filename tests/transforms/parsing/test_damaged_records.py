"""A damaged record is rejected alone: no wrong row is accepted, and no other record is lost."""

from benchmarks.damage import Damaged, Row, damaged_files, loss, read_with_csv_module, read_with_importer
from transforms.parsing.dialect import Dialect

FILES = list(damaged_files())


def test_a_damaged_record_is_rejected_alone() -> None:
    assert len(FILES) > 900
    assert [file.record for file in FILES if any(loss(file, read_with_importer(file.text)))] == []


def test_a_damaged_record_is_rejected_alone_in_another_dialect() -> None:
    """A part of the same files, with semicolons and single quotes."""
    swapped, dialect = str.maketrans(",;\"'", ";,'\""), Dialect(";", quote="'")

    def read(text: str) -> list[Row]:
        rows = read_with_importer(text.translate(swapped), dialect)
        return [tuple(cell.translate(swapped) for cell in row) for row in rows]

    assert [file.record for file in FILES[::7] if any(loss(file, read(file.text)))] == []


def test_the_csv_module_fails_on_these_files() -> None:
    """Otherwise the test above could not fail: the csv module reads wrong rows."""
    assert sum(_wrong(file) for file in FILES) > 50


def _wrong(damaged: Damaged) -> bool:
    return loss(damaged, read_with_csv_module(damaged.text)).wrong_row
