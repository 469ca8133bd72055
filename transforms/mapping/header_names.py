"""Which field a header names, and which one it may mean.

A header that names a field exactly is matched. One that names it in another spelling (`first_name`, `FirstName:`) is
matched if it is the only such column. Otherwise the field is only suggested.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from rapidfuzz.distance import OSA

from schemas.catalogue import FieldCatalogue, HeaderMatch, MatchRank
from schemas.cells.dates import MONTHS
from schemas.cells.words import FALSE_LETTERS, FALSE_WORDS, TRUE_LETTERS, TRUE_WORDS
from schemas.field_types import FieldType
from schemas.fields import Field, folded_key, header_key
from transforms.parsing.first_cells import FirstCells

_MAX_COMPARED_LENGTH = 100  # characters
_MIN_NEAR_LENGTH = 4  # characters; of shorter names, one letter more makes another word
_LONG_NAME = 8  # characters; from here on, two letters may differ
_MIN_FITTING_SHARE = 0.5  # of a column's first cells, for a field whose name is near
_MIN_EMAIL_SHARE = 0.8  # of a column's first cells, for the email, whatever the header is

_EMAIL = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
_PHONE = re.compile(r"(?:[0-9][^0-9]{0,3}){6}")
_PHONE_WITH_PREFIX = re.compile(r"\+(?:[0-9][ ()./-]{0,2}){8,15}")
_PARTS = re.compile(r"[|,;/]")
_DATE = re.compile(rf"[0-9]{{1,4}}[/.-][0-9]{{1,2}}|[0-9].*(?i:{'|'.join(MONTHS)})|^[0-9]{{5}}$|^[0-9]{{8}}$")
_NUMBER = re.compile(r"^[^A-Za-z]*[0-9][^A-Za-z]*(?:[A-Z]{3})?$")
_WORD = re.compile(r"[^\W\d_]")
_BOOLEANS = frozenset({*TRUE_WORDS, *FALSE_WORDS, *TRUE_LETTERS, *FALSE_LETTERS, "0", "1"})


# Headers that say what a contact agreed to receive, or no longer does, in the languages of the built-in catalogue.
_CONSENT = re.compile(
    r"\bopt(?:ed)? ?(?:out|in(?! (?:date|ip|time)))\b|consent|\bunsub(?:\b|scri)|\bsubscri(?:bed|ption)|suppress|bounce"
    r"|(?:black|block) ?list"
    r"|\bdo ?not ?(?:allow|e ?mail|mail|call|contact|sms|text|disturb)|\b(?:email|sms|marketing|contact) permission"
    r"|\bne pas (?:contact|appel|envoy|sollicit)|\bnicht (?:kontakt|anruf|anschreib|mail)"
    r"|\bnon (?:contatt|chiam|disturb)|\bnao (?:conta|ligar|perturb)"
    r"|\bno ?(?:e ?mails?|calls?|contactar|marketing|molestar)$"
    r"|\b(?:accept[esa]?|acepta|aceita|accetta)\b.*(?:marketing|pubb?li|com+unic|promo)|\bnewsletter"
    r"|\b(?:gdpr|rgpd)\b|suscri|\bbaja\b|\brebot|\bbaixa\b|subscripcio|abonn|desinscri|inscrit|inscricao"
    r"|abgemeldet|abmeld|einwillig|abbestell|widerruf|\bconsenso|disiscri|\biscri(?:tt|zion)|descadastr|subscricao|complain"
)
# Channels of their own: a header that names one is about a field that names it too.
_CHANNELS = tuple(
    map(re.compile, (r"\bsms\b|\bcall\b|\btext|\bphone\b", r"\bwhats ?app|\btelegram|\bpush\b|\bpostal\b"))
)


def speaks_of_consent(header: str) -> bool:
    """Whether a header is about opt-outs, consent, unsubscribes, bounces or suppressions."""
    return bool(_CONSENT.search(folded_key(header[:_MAX_COMPARED_LENGTH])))


def consent_field(header: str, catalogue: FieldCatalogue) -> Field | None:
    """The field for a column that speaks of consent: the first one of the channel that it names, if any."""
    fields = [field for field in catalogue.fields if field.is_consent]
    for channel in _CHANNELS:
        if channel.search(folded_key(header[:_MAX_COMPARED_LENGTH])):
            fields = [field for field in fields if channel.search(folded_key(field.id))]
    return fields[0] if fields and speaks_of_consent(header) else None


def match_names(
    names: Mapping[int, str], catalogue: FieldCatalogue, taken: Collection[str]
) -> tuple[dict[int, HeaderMatch], dict[int, Field]]:
    """The columns that name a field, and those that name it in a way that only suggests it, by position.

    A field that is `taken` is matched exactly only.
    """
    found = {position: match for position, name in names.items() if (match := catalogue.match_header(name))}
    matched = {position: match for position, match in found.items() if match.rank is MatchRank.EXACT}
    closed = {*taken, *(match.field.id for match in matched.values())}
    for rank in (MatchRank.FOLDED, MatchRank.QUALIFIED):
        by_field: dict[str, list[int]] = {}
        for position, match in found.items():
            if match.rank is rank:
                by_field.setdefault(match.field.id, []).append(position)
        for id, positions in by_field.items():
            if id not in closed and len(positions) == 1:
                matched[positions[0]] = found[positions[0]]
        closed |= by_field.keys()
    suggested = {position: match.field for position, match in found.items() if position not in matched}
    return matched, suggested


def suggest_field(name: str, cells: Sequence[str], catalogue: FieldCatalogue) -> Field | None:
    """The field whose name is nearly the header, if the column's first cells look like its values."""
    written = folded_key(name[: _MAX_COMPARED_LENGTH + 1])
    if not _MIN_NEAR_LENGTH <= len(written) <= _MAX_COMPARED_LENGTH:
        return None
    limit = 1 if len(written) < _LONG_NAME else 2
    near = (
        (distance, field)
        for known, field in catalogue.by_folded_name.items()
        if len(known) >= _MIN_NEAR_LENGTH
        and (distance := OSA.distance(written, known, score_cutoff=limit)) <= limit
        and _share(cells, field) >= _MIN_FITTING_SHARE
    )
    return min(near, key=lambda pair: pair[0], default=(0, None))[1]


def guess_field(cells: Sequence[str], catalogue: FieldCatalogue) -> Field | None:
    """The only field that a column's first cells can belong to, whatever its header says; never a consent.

    Only options and phones with a country prefix are told by their form: a number or a day can mean anything.
    """
    fitting = [
        field
        for field in catalogue.fields
        if not field.is_consent and cells and all(_is_surely(cell, field) for cell in cells)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _is_surely(cell: str, field: Field) -> bool:
    match field.type:
        case FieldType.PHONE:
            return bool(_PHONE_WITH_PREFIX.fullmatch(cell))
        case FieldType.RADIO | FieldType.CHECKBOX:
            return all(header_key(part) in field.options_by_key for part in _PARTS.split(cell))
        case _:
            return False


def is_full_of_emails(cells: Sequence[str]) -> bool:
    """Whether nearly all of the column's first cells are addresses."""
    return bool(cells) and sum(bool(_EMAIL.search(cell)) for cell in cells) >= _MIN_EMAIL_SHARE * len(cells)


def cells_of(position: int, first: FirstCells) -> tuple[str, ...]:
    """The first cells of a column; none if the file has no record."""
    return first[position - 1] if first else ()


def _share(cells: Sequence[str], field: Field) -> float:
    """Which share of the cells look like values of the field; all if there are none."""
    return sum(_looks_like(cell, field) for cell in cells) / len(cells) if cells else 1.0


def _looks_like(cell: str, field: Field) -> bool:
    """Whether a cell may be a value of the field, read in some way; it need not be valid."""
    match field.type:
        case FieldType.EMAIL:
            return bool(_EMAIL.search(cell))
        case FieldType.PHONE:
            return bool(_PHONE.search(cell)) and "@" not in cell
        case FieldType.DATE:
            return bool(_DATE.search(cell))
        case FieldType.INTEGER | FieldType.DECIMAL:
            return bool(_NUMBER.search(cell))
        case FieldType.BOOLEAN:
            return cell.casefold() in _BOOLEANS
        case FieldType.RADIO | FieldType.CHECKBOX:
            known = field.options_by_key
            return any(header_key(part) in known for part in _PARTS.split(cell)) or cell.casefold() in _BOOLEANS
        case _:
            return bool(_WORD.search(cell)) and "@" not in cell
