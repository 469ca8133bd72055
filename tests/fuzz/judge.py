"""Compares every result of a check with the file itself, which a simple independent reader reads again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flows.config.request import ReadingOptions
from flows.pipeline.chunk_runs import FileCheck, check_whole_file
from flows.pipeline.progress import NoProgress
from flows.pipeline.steps import SourceFile, detect_layout, land_file, map_source_columns
from schemas.catalogue import FieldCatalogue, load_catalogue
from schemas.choices import Duplicates, GapRule
from schemas.field_types import FieldType, Gaps
from schemas.fields import Field
from tests.fuzz.cases import Case
from tests.fuzz.cells import Refused, Stored, has_decimal_comma, is_either_way, plain, stored
from tests.fuzz.reader import Text
from transforms.chunks.duplicates import dropped_duplicates, resolve_duplicates
from transforms.chunks.file_profile import FileProfile
from transforms.chunks.read import read_chunk
from transforms.chunks.split import record_lines
from transforms.landing.archives import DEFAULT_LIMITS, archive_kind, expand_archive
from transforms.results.rejected_file import RejectedInputs, write_rejected
from transforms.sources import fetch
from transforms.sources.fetch import SourceAccess, resolve_address
from transforms.work_folder import ImportFolder, read_table

fetch.SETTLING_SECONDS = 0.0  # a case is checked right after it was written
BYTES = "surrogateescape"
CATALOGUE = load_catalogue()


@dataclass(frozen=True)
class Claim:
    """The check's result for one record: its line, its rule if it is malformed, its codes, or its row."""

    line: int
    rule: str | None
    codes: frozenset[str]
    row: dict[str, Stored] | None
    loses: bool = False


@dataclass(frozen=True)
class Checked:
    """The check's result for a file."""

    source: SourceFile
    profile: FileProfile
    claims: list[Claim]
    accepted: int
    rejected: int | None
    catalogue: FieldCatalogue


@cache
def _catalogue(allow_gaps: bool, prefix: str | None) -> FieldCatalogue:
    return CATALOGUE.adapt(allow_gaps=allow_gaps, default_prefix=prefix)


def adapt(options: ReadingOptions) -> FieldCatalogue:
    return _catalogue(options.gaps is GapRule.ALLOW, options.default_prefix)


def check(options: ReadingOptions, folder: Path, block_bytes: int, rejected_file: bool = True) -> Checked:
    """Run the steps of `contacts check`, and collect the result of each record from the work folder."""

    def run(step: Any, inputs: Any, items: Any) -> Iterator[Any]:
        return (step(inputs, item) for item in items)

    place, catalogue = ImportFolder.local(folder), adapt(options)
    landed = land_file(options, place, resolve_address(options.source, SourceAccess()))
    source = map_source_columns(options, catalogue, landed, detect_layout(options, catalogue, landed))
    profile, verdicts = check_whole_file(
        FileCheck(source, catalogue.default_prefix, place, block_bytes, run, NoProgress())
    )
    resolve_duplicates(verdicts, profile.chunks, options.duplicates, str(folder))
    inputs = RejectedInputs(place, source.read_inputs, options.duplicates, max_kept=1_000_000)
    rejected = write_rejected(inputs, profile.chunks, verdicts, run).rows if rejected_file else None
    claims: list[Claim] = []
    for chunk, verdict in zip(profile.chunks, verdicts, strict=True):
        (table, _), accepted = read_chunk(source.read_inputs, chunk.block), read_table(verdict.accepted_path)
        lines = (record_lines(table) + chunk.first_line).tolist()
        rules = table["rule"].to_pylist() if "rule" in table.column_names else [None] * table.num_rows
        rows = {row.pop("record_number"): row for row in accepted.select(_stored_names(accepted)).to_pylist()}
        broken: dict[int, set[str]] = {}
        if verdict.rejections_path:
            found = read_table(verdict.rejections_path)
            for place, code in zip(found["record_number"].to_pylist(), found["code"].to_pylist(), strict=True):
                broken.setdefault(place, set()).add(code)
        losers = set(dropped_duplicates(str(folder), chunk)[:, 0].tolist())
        claims += [
            Claim(
                line,
                rule,
                frozenset(broken.get(place, ())),
                rows.get(place),
                chunk.first_record + place in losers,
            )
            for place, (line, rule) in enumerate(zip(lines, rules, strict=True))
        ]
    return Checked(source, profile, claims, sum(each.accepted for each in verdicts), rejected, catalogue)


def _stored_names(accepted: Any) -> list[str]:
    return [name for name in accepted.column_names if " " not in name]


def what_is_wrong(case: Case, content: bytes, checked: Checked, duplicates: Duplicates) -> Iterator[str]:
    """Every difference between the check's result and the file."""
    yield from _balance(checked)
    if checked.source.mapping.translated or checked.source.mapping.constants:
        return  # presets are judged by their own tests
    layout = checked.source.layout
    landed = Path(checked.source.landed.path).read_bytes()
    below = landed[layout.data_start :].decode(
        "utf-8", "surrogatepass" if layout.dialect.encoding != "utf-8" else BYTES
    )
    text = Text.of(content, layout.dialect, len(below), layout.first_line)
    if text.text != below:
        yield "what landed is not what was there"
        return
    starts = _starts(text, checked)
    yield from _records(text, checked, starts)
    yield from _columns(text, checked, starts)
    yield from _duplicates(checked, duplicates)
    yield from _as_written(case, checked)


def _balance(checked: Checked) -> Iterator[str]:
    losers = sum(claim.loses for claim in checked.claims)
    refused = sum(claim.row is None for claim in checked.claims)
    if not checked.profile.records == len(checked.claims) == checked.accepted + refused:
        yield f"rows do not balance: {checked.profile.records} read, {checked.accepted} accepted, {refused} refused"
    if checked.rejected is not None and checked.rejected != refused + losers:
        yield f"the rejected file has {checked.rejected} rows for {refused} refused and {losers} duplicates"
    if any((claim.row is None) != bool(claim.codes) for claim in checked.claims):
        yield "a record is neither accepted nor refused with a code"


def _starts(text: Text, checked: Checked) -> list[int]:
    """Where each record starts: where its line does, or on that line after a record that ends with a lone CR."""
    starts: list[int] = []
    end, width = 0, checked.source.layout.width
    for claim in checked.claims:
        at = text.start(claim.line)
        if end > at and text.line_at(end) == claim.line:
            at = end
        at = _after_blanks(text, at, width, claim.line)
        starts.append(at)
        cells, end = text.record(at, width)
        end = 0 if cells is None else end
    return starts


def _after_blanks(text: Text, at: int, width: int, line: int) -> int:
    """Where the first record on a line starts that is not blank."""
    while at < len(text.text) and text.line_at(at) == line:
        if text.text[at] in "\r\n":
            at += 1
            continue
        cells, end = text.record(at, width)
        if not cells or any(plain_or_guard(cell) for cell in cells) or text.line_at(end) != line:
            break
        at = end
    return at


def _records(text: Text, checked: Checked, starts: list[int]) -> Iterator[str]:
    """Each record is on its line and has the cells of the file, and only blank lines are between records."""
    after, width = 0, checked.source.layout.width
    commas = _comma_columns(text, checked, starts)
    lasting = checked.source.layout.rejected_file
    ends = [*starts[1:], len(text.text)]
    for claim, start, upto in zip(checked.claims, starts, ends, strict=False):
        yield from _nothing_between(text, after, start, width)
        cells, after = text.record(start, width)
        raw = text.text[start : min(after, upto)]
        damaged_bytes = any("\ud800" <= char <= "\udfff" for char in raw)
        if claim.rule and not lasting:
            right = cells is not None and len(cells) == width
            if right and not damaged_bytes and after <= upto:
                yield f"line {claim.line}: {claim.rule}, but it is a row of {width} cells"
            if cells is None or after > upto or claim.rule == "row-bad-quoting":
                after = upto
            continue
        if claim.rule:
            continue
        if cells is None or len(cells) != width or damaged_bytes:
            yield f"line {claim.line}: taken as a row of cells, and is none"
            continue
        if after > upto:
            yield f"line {claim.line}: the record ends after the next one begins"
        yield from _cells(cells, claim, checked, commas)


def _nothing_between(text: Text, start: int, end: int, width: int) -> Iterator[str]:
    """Only blank lines may be between two records."""
    at = start
    while at < end:
        if text.text[at] in "\r\n":
            at += 1
            continue
        cells, after = text.record(at, width)
        if not cells or any(plain_or_guard(cell) for cell in cells):
            yield f"line {text.line_at(at)}: it holds something and is no record"
            return
        at = after
    if at > end:
        yield f"line {text.line_at(end)}: a record begins within a blank one"


def plain_or_guard(cell: str) -> bool:
    return plain(cell) is not None or "'" in cell


def _comma_columns(text: Text, checked: Checked, starts: list[int]) -> set[int]:
    """The positions of the decimal columns in which a point may separate thousands."""
    width = checked.source.layout.width
    read = [
        text.record(start, width)[0] for claim, start in zip(checked.claims, starts, strict=True) if claim.rule is None
    ]
    rows = [cells for cells in read if cells and len(cells) == width]
    return {
        column.position
        for column in checked.source.mapping.mapped
        if column.field
        and column.field.type is FieldType.DECIMAL
        and has_decimal_comma(plain(cells[column.position - 1]) for cells in rows)
    }


def _cells(cells: Sequence[str], claim: Claim, checked: Checked, commas: set[int]) -> Iterator[str]:
    """A record is accepted if its cells are valid, and its values are those of its cells."""
    prefix = checked.catalogue.default_prefix
    expected: dict[str, Stored] = {}
    refused = set()
    for column in checked.source.mapping.columns:
        if column.field is None or column.field not in checked.profile.imported:
            continue
        try:
            cell = plain(cells[column.position - 1])
            if cell and column.position in commas and is_either_way(cell):
                raise Refused
            expected[column.field.id] = stored(cell, column.field, prefix)
        except Refused:
            refused.add(column.field.id)
    if refused and claim.row is not None:
        yield f"line {claim.line}: accepted, though {sorted(refused)} break their rules"
    elif claim.row is None and not refused:
        yield f"line {claim.line}: refused as {sorted(claim.codes)}, though every cell keeps its rule"
    elif claim.row is not None and expected != claim.row:
        different = [name for name in expected if expected[name] != claim.row.get(name)]
        pairs = [(name, expected[name], claim.row.get(name)) for name in different]
        yield f"line {claim.line}: stored otherwise than written: {pairs}"


def _columns(text: Text, checked: Checked, starts: list[int]) -> Iterator[str]:
    """A column is dropped exactly if a well-formed record with a valid email has a blank cell in it."""
    width = checked.source.layout.width
    read = [
        text.record(start, width)[0] for claim, start in zip(checked.claims, starts, strict=True) if claim.rule is None
    ]
    rows = [cells for cells in read if cells and len(cells) == width]
    contacts = [cells for cells in rows if _has_email(cells, checked)]
    for column in checked.profile.columns:
        field: Field | None = column.column.field
        if field is None or checked.source.layout.rejected_file:
            continue
        counted = contacts if field.gaps is Gaps.DROP_COLUMN else rows
        blank = sum(plain(cells[column.column.position - 1]) is None for cells in counted)
        if column.empty_cells != blank:
            yield f"column {column.column.position}: {column.empty_cells} blank cells, and it has {blank}"
        drops = field.gaps is Gaps.DROP_COLUMN and blank > 0
        if drops != (column.outcome == "incomplete"):
            yield f"column {column.column.position}: {column.outcome} with {blank} blank cells"


def _has_email(cells: Sequence[str], checked: Checked) -> bool:
    column, field = checked.source.mapping.column_of("email")
    try:
        stored(plain(cells[column.position - 1]), field, checked.catalogue.default_prefix)
    except Refused:
        return False
    return True


def _duplicates(checked: Checked, choice: Duplicates) -> Iterator[str]:
    rows = [(claim.row["email"], claim.loses) for claim in checked.claims if claim.row is not None]
    times = Counter(email for email, _ in rows)
    kept = Counter(email for email, loses in rows if not loses)
    if choice is Duplicates.REJECT:
        wrong = [email for email in times if kept[email] != (times[email] == 1)]
    else:
        order = rows if choice is Duplicates.LAST else rows[::-1]
        last = dict(order)
        wrong = [email for email in times if kept[email] != 1 or last[email]]
    if wrong:
        yield f"the duplicates that are kept are not those of {choice}"


def _as_written(case: Case, checked: Checked) -> Iterator[str]:
    """A good file has every row that was written; a damaged one has no other rows outside the damage."""
    if case.rows is None or case.kind not in ("good", "damaged") or not _read_as_written(case, checked):
        return
    written = [list(row) for row in case.rows]
    if case.exact:
        expected = [row for row in written if any(plain_or_guard(cell) for cell in row)]
        if len(checked.claims) != len(expected) or any(claim.rule for claim in checked.claims):
            yield f"{len(expected)} good records were written and {len(checked.claims)} read"
    whole = [row for place, row in enumerate(written) if place not in case.damaged]
    possible = [_values(row, checked) for row in whole]
    span = case.span or (0, 0)
    for claim in checked.claims:
        if claim.row is not None and not span[0] <= claim.line < span[1] and claim.row not in possible:
            yield f"line {claim.line}: a row that nobody wrote was accepted"


def lost(case: Case, checked: Checked) -> int:
    """How many undamaged records were lost."""
    if case.kind != "damaged" or case.rows is None or not _read_as_written(case, checked):
        return 0
    whole = [row for place, row in enumerate(case.rows) if place not in case.damaged]
    wanted = [values for row in whole if (values := _values(row, checked)) is not None]
    rows = [claim.row for claim in checked.claims if claim.row is not None]
    return sum(max(0, wanted.count(each) - rows.count(each)) for each in _distinct(wanted))


def _distinct(rows: list[dict[str, Stored]]) -> list[dict[str, Stored]]:
    return [row for place, row in enumerate(rows) if row not in rows[:place]]


def _read_as_written(case: Case, checked: Checked) -> bool:
    """Whether the file was read in the dialect in which it was written."""
    dialect = checked.source.layout.dialect
    return (
        dialect.delimiter == case.notes["delimiter"]
        and dialect.carriage_return == (case.notes["break"] == "\r")
        and checked.source.layout.width == len(case.names)
        and not checked.source.layout.rejected_file
        and [column.field.id if column.field else None for column in checked.source.mapping.columns] == list(case.names)
    )


def _values(row: Sequence[str], checked: Checked) -> dict[str, Stored] | None:
    found = {}
    for cell, column in zip(row, checked.source.mapping.columns, strict=True):
        if column.field in checked.profile.imported and column.field is not None:
            try:
                found[column.field.id] = stored(plain(cell), column.field, checked.catalogue.default_prefix)
            except Refused:
                return None
            if column.field.id in checked.profile.comma_fields and is_either_way(plain(cell) or ""):
                return None
    return found


def text_of(case: Case, folder: Path) -> bytes:
    """The bytes of the CSV, out of its archive."""
    kind = archive_kind(case.content)
    if kind is None:
        return case.content
    path = folder / "again"
    path.write_bytes(case.content)
    return b"".join(expand_archive(str(path), "again", kind, None, DEFAULT_LIMITS))
