"""A sample of the rejections for people: a fair share of every code, whatever the size of the file."""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from schemas.cells.arrow_columns import TEXT_DTYPE
from schemas.validation.rules import sort_by_count

MAX_VALUE_LENGTH = 200  # a value may be a whole record of megabytes


class RejectedSample:
    """Collects rejections in record order and keeps the first `rows` of each code."""

    def __init__(self, rows: int, columns: tuple[str, ...]) -> None:
        self._rows = rows
        self._found: Counter[str] = Counter()
        self._kept = [pd.DataFrame(columns=list(columns))]

    def add(self, rejections: pd.DataFrame, emails: Callable[[pd.Series], np.ndarray]) -> None:
        """`emails` gives the emails of rows by their record numbers; it is asked for the kept rejections only."""
        codes = rejections["code"]
        found = {str(code): int(count) for code, count in codes.value_counts(sort=False).items()}
        if any(self._found[code] < self._rows for code in found):
            index = rejections.groupby("code").cumcount() + codes.map({code: self._found[code] for code in found})
            first = rejections[index < self._rows]
            more = first.assign(email=emails(first["record_number"]))
            short = {name: more[name].astype(TEXT_DTYPE).str.slice(0, MAX_VALUE_LENGTH) for name in ("value", "email")}
            self._kept.append(more.assign(**{name: text.astype(object) for name, text in short.items()}))
        self._found.update(found)

    def rows_by_share(self) -> pd.DataFrame:
        """At most `rows` rejections, the most frequent code first, each code in record order."""
        shares = fair_shares(self._found, self._rows)
        kept = pd.concat(self._kept, ignore_index=True)
        chosen = [kept[kept["code"] == code].head(share) for code, share in shares.items()]
        return pd.concat([kept.head(0), *chosen], ignore_index=True)


def fair_shares(found: Mapping[str, int], rows: int) -> dict[str, int]:
    """Rows for each code, the most frequent first: equal shares; what a rare code leaves goes to the others."""
    ranked = sort_by_count(found)
    shares = {}
    for index, (code, number) in reversed(list(enumerate(ranked))):  # the rarest first
        shares[code] = min(number, rows // (index + 1))
        rows -= shares[code]
    return {code: shares[code] for code, _ in ranked}
