"""Some of the rejections for a person to look at: a fair share of every reason, whatever the file's length."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.validation.rules import sort_by_count

MAX_VALUE_LENGTH = 200  # a value may be a whole record of megabytes


class RejectedSample:
    """Takes rejections as they come, in record order, and keeps the first of each code, `rows` at most."""

    def __init__(self, rows: int, columns: tuple[str, ...]) -> None:
        self._rows = rows
        self._found: Counter[str] = Counter()
        self._kept = [pd.DataFrame(columns=list(columns))]

    def add(self, rejections: pd.DataFrame) -> None:
        codes = rejections["code"]
        place = rejections.groupby("code").cumcount() + codes.map(self._found)
        first = rejections[place < self._rows]
        if len(first):
            short = first["value"].astype(TEXT_DTYPE).str.slice(0, MAX_VALUE_LENGTH)
            self._kept.append(first.assign(value=short.astype(object)))
        self._found.update(codes.to_list())

    def rows_by_share(self) -> pd.DataFrame:
        """As many rows as asked for, if there are so many: the commonest reason first, each in record order."""
        shares = fair_shares(self._found, self._rows)
        kept = pd.concat(self._kept, ignore_index=True)
        chosen = [kept[kept["code"] == code].head(share) for code, share in shares.items()]
        return pd.concat([kept.head(0), *chosen], ignore_index=True)


def fair_shares(found: Mapping[str, int], rows: int) -> dict[str, int]:
    """Rows for each reason, the commonest first: as many for each as for any other, unless it has no more."""
    ranked = sort_by_count(found)
    shares = {}
    for place, (code, number) in reversed(list(enumerate(ranked))):
        # The rarest first: what they do not need is for the others.
        shares[code] = min(number, rows // (place + 1))
        rows -= shares[code]
    return {code: shares[code] for code, _ in ranked}
