"""The layout of a file: its dialect, its columns, and where its records begin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.catalogue import FieldCatalogue, header_key
from schemas.emails import to_address
from schemas.errors import HeaderLooksLikeData, HeaderUnreadable, SourceEmpty
from schemas.phones import to_e164
from transforms.dialect import Dialect, detect_delimiter, ends_lines_with_cr
from transforms.folder import read_range, size_of
from transforms.land import Landed
from transforms.records import LARGEST_RECORD, Record, RecordReader
from transforms.spreadsheet import unguarded

SAMPLE = 1 << 18
SAMPLED_RECORDS = 200

REJECTION_COLUMNS = (
    "rejection_record",
    "rejection_line",
    "rejection_codes",
    "rejection_reasons",
    "rejection_raw",
)


@dataclass(frozen=True)
class Layout:
    """`columns` are the header's texts, `column_N` where there is none; data starts at a byte and a line."""

    dialect: Dialect
    columns: tuple[str, ...]
    data_start: int
    first_line: int
    rejected_file: bool = False
    all_utf8: bool = False

    @property
    def width(self) -> int:
        return len(self.columns)


def find_layout(landed: Landed, catalogue: FieldCatalogue, delimiter: str | None = None, header: bool = True) -> Layout:
    """Read the first records; `SourceError` if there is none, or if the header is none to trust."""
    sample = _sample(landed)
    carriage_return = ends_lines_with_cr(sample)

    def records(delimiter: str) -> list[Record]:
        return _first_records(sample, Dialect(delimiter, carriage_return=carriage_return))

    def known_names(delimiter: str) -> int:
        first = next(iter(records(delimiter)), None) if header else None
        return sum(header_key(name) in catalogue.by_name for name in (first and _texts(first)) or ())

    def widths(delimiter: str) -> list[int]:
        return [len(record.cells) for record in records(delimiter) if record.cells]

    chosen = delimiter or detect_delimiter(widths, known_names)
    dialect = Dialect(chosen, landed.encoding, header, carriage_return)
    first = next(iter(records(chosen)), None)
    if first is None:
        raise SourceEmpty(landed.source)
    lines_before = dialect.count_breaks(sample[: first.start])
    names = _texts(first)
    if names is None:
        raise HeaderUnreadable(landed.source, lines_before + 1)
    rejected_file = tuple(names[-len(REJECTION_COLUMNS) :]) == REJECTION_COLUMNS
    if not (header or rejected_file):
        columns = tuple(f"column_{number}" for number in range(1, len(names) + 1))
        return Layout(dialect, columns, landed.start + first.start, lines_before + 1, all_utf8=landed.all_utf8)
    _refuse_data(landed.source, names, catalogue)
    columns = tuple(name or f"column_{number}" for number, name in enumerate(names, 1))
    lines = lines_before + dialect.count_breaks(sample[first.start : first.end])
    dialect = replace(dialect, header=True)
    return Layout(dialect, columns, landed.start + first.end, lines + 1, rejected_file, landed.all_utf8)


def _sample(landed: Landed) -> bytes:
    """The file's beginning, with one whole record in it at least, as far as records may go."""
    size = SAMPLE
    while size_of(landed.path) > landed.start:
        sample = read_range(landed.path, landed.start, size)
        outside = b"".join(sample.split(b'"')[::2])
        if len(sample) < size or size >= LARGEST_RECORD or b"\n" in outside or b"\r" in outside[:-1]:
            return sample
        size *= 2
    return b""


def _first_records(sample: bytes, dialect: Dialect) -> list[Record]:
    """The first records that are not blank, without one that the sample cuts."""
    found: list[Record] = []
    for record in RecordReader(sample, dialect, None).records():
        if record.undecided and found and len(sample) >= SAMPLE:
            break
        if record.cells is None or any(cell.strip() for cell in record.cells):
            found.append(record)
        if len(found) == SAMPLED_RECORDS:
            break
    return found


def _texts(record: Record) -> list[str] | None:
    try:
        return [unguarded(cell.decode("utf-8")).strip() for cell in record.cells] if record.cells else None
    except UnicodeDecodeError:
        return None


def _refuse_data(source: str, names: Sequence[str], catalogue: FieldCatalogue) -> None:
    """A header with an email or a phone in it is a record; its text must not become a column name."""
    for position, name in enumerate(names, 1):
        for kind, stored in (("email", to_address(name)), ("phone", to_e164(name, catalogue.default_prefix))):
            if stored is not None:
                raise HeaderLooksLikeData(source, position, kind)
