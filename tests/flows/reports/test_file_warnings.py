"""Warnings about the cells of a file, in the singular and the plural."""

from pathlib import Path

import pytest

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.check import check_locally

DAMAGED = "decoded in another encoding; if --encoding is right, the text is damaged in the file: correct it there"


def warnings_of(text: str, folder: Path, chunk_bytes: int = 1 << 20, **options: str) -> list[str]:
    source, work = folder / "contacts.csv", folder / "work"
    source.write_text(text, encoding="utf-8")
    work.mkdir()
    settings = Settings.load().model_copy(update={"chunk_bytes": chunk_bytes})
    return check_locally(ReadingOptions(source=str(source), **options), settings, work).report.warnings


@pytest.mark.parametrize("chunk_bytes", [1 << 10, 1 << 20], ids=["small-chunks", "one-chunk"])
def test_dates_that_exist_only_with_day_and_month_exchanged_are_counted(chunk_bytes: int, tmp_path: Path) -> None:
    rows = "".join(f"a{n}@example.com,1990-{13 + n % 3 if n % 40 == 0 else '05'}-02\n" for n in range(120))
    [warning] = warnings_of(f"email,birthdate\n{rows}", tmp_path, chunk_bytes)
    assert warning.startswith("'birthdate' has 3 rejected dates that would exist with day and month exchanged")


def test_an_invalid_date_of_another_kind_is_not_counted_as_exchanged(tmp_path: Path) -> None:
    assert warnings_of("email,birthdate\na@example.com,1990-02-30\nb@example.com,soon\n", tmp_path) == []


def test_one_cell_is_counted_in_the_singular(tmp_path: Path) -> None:
    found = warnings_of("email,name\na@example.com,JosÃ©\nb@example.com,'=x\n,\n", tmp_path)
    assert found == [
        "1 line without any value; such a line is no record",
        "1 cell with a ' before a formula sign; the ' was taken off",
        f"'name' has 1 cell, the first in record 1, that look like UTF-8 {DAMAGED}",
    ]


NATIONAL = "".join(f"a{n}@example.com,{612345678 + n}\n" for n in range(60))


@pytest.mark.parametrize("chunk_bytes", [1 << 10, 1 << 20], ids=["small-chunks", "one-chunk"])
@pytest.mark.parametrize("other", ["+33612345678", "33612345678"], ids=["written", "without its plus"])
def test_phones_with_the_default_prefix_beside_those_of_another_country_are_counted(
    other: str, chunk_bytes: int, tmp_path: Path
) -> None:
    text = f"email,phone\n{NATIONAL}b@example.com,{other}\n"
    [warning] = warnings_of(text, tmp_path, chunk_bytes)
    assert warning.startswith("'phone' has 60 phones without a country prefix, read with +34, and others")


def test_phones_of_one_country_and_a_prefix_that_was_named_need_no_warning(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    assert warnings_of(f"email,phone\n{NATIONAL}b@example.com,+34612345600\n", tmp_path / "one") == []
    (tmp_path / "two").mkdir()
    named = f"email,phone\n{NATIONAL}b@example.com,+33612345678\n"
    assert warnings_of(named, tmp_path / "two", default_prefix="+34") == []
