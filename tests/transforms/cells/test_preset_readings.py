"""The preset keys that read what spreadsheets and other programs write."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.field_types import FieldType
from schemas.presets.model import ColumnRule
from transforms.cells.translate import titles, translate
from transforms.mapping.suggestions import readings_of

CATALOGUE = load_catalogue()


def read(cells: list[str], **keys: Any) -> list[str]:
    rule = ColumnRule(field="field", **keys)
    found: list[str] = translate(pa.chunked_array([cells]), rule, FieldType.TEXT).cells.to_pylist()
    return found


@pytest.mark.parametrize(
    ("keys", "written", "meant"),
    [
        pytest.param({"email": "address"}, '"John Smith" <john@example.com>', "john@example.com", id="quoted-name"),
        pytest.param({"email": "address"}, "Jane Roe <jane@example.com>", "jane@example.com", id="name"),
        pytest.param(
            {"email": "address"}, "Ann@example.com <ann@example.com>", "ann@example.com", id="address-as-name"
        ),
        pytest.param(
            {"email": "address"}, "'bob@example.com' <bob@example.com>", "bob@example.com", id="quoted-address"
        ),
        pytest.param({"email": "address"}, '"Ann @ Acme" <ann@example.com>', "ann@example.com", id="name-with-an-at"),
        pytest.param({"email": "address"}, "Twitter @ann <ann@example.com>", "ann@example.com", id="handle-as-name"),
        pytest.param({"email": "address"}, "eva@example.com <ann@example.com>", None, id="another-address-as-name"),
        pytest.param({"email": "address"}, "mailto:bob@example.com?subject=x", "bob@example.com", id="mailto"),
        pytest.param({"email": "address"}, "<carl@example.com>", "carl@example.com", id="brackets"),
        pytest.param({"email": "address"}, "dora@example.com;", "dora@example.com", id="punctuation"),
        pytest.param({"email": "address"}, "[g@example.com](mailto:g@example.com)", "g@example.com", id="link"),
        pytest.param({"email": "address"}, "[g@example.com](mailto:h@example.com)", None, id="link-of-another"),
        pytest.param({"email": "address"}, "a@example.com; b@example.com", None, id="two-addresses"),
        pytest.param({"email": "address"}, "A <a@example.com>, B <b@example.com>", None, id="two-names"),
        pytest.param({"invisible": "remove"}, "rosa\u200b.mora@example.com", "rosa.mora@example.com", id="zero-width"),
        pytest.param({"invisible": "remove"}, "\ufeffluis@example.com", "luis@example.com", id="byte-order-mark"),
        pytest.param({"invisible": "remove"}, "a\u034fb@example.com", "ab@example.com", id="grapheme-joiner"),
        pytest.param({"invisible": "remove"}, "a\u2800b\u3164@example.com", "ab@example.com", id="blank-letters"),
        pytest.param({"invisible": "remove"}, "ab\U000e0041@example.com", "ab@example.com", id="tag"),
        pytest.param({"formula": "remove"}, '="+34651234567"', "+34651234567", id="formula"),
        pytest.param({"point_zero": "remove"}, "34651234567.0", "34651234567", id="point-zero"),
        pytest.param({"point_zero": "remove"}, "12.50", None, id="not-a-point-zero"),
        pytest.param({"phone": "plain"}, "34651234567.0", None, id="the-zero-of-a-decimal-is-no-digit-of-a-phone"),
        pytest.param({"phone": "plain"}, "tel:+34651234567", "+34651234567", id="tel"),
        pytest.param({"phone": "plain"}, "+49 (0)30 901820", "+4930901820", id="trunk-zero"),
        pytest.param(
            {"phone": "plain"}, "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19", "123456789", id="wide"
        ),
        pytest.param({"phone": "plain"}, "+34 651 234 567 / +34 622 334 455", None, id="two-phones"),
        pytest.param({"phone": "plain"}, "651234567/622334455", None, id="two-phones-without-plus"),
        pytest.param({"phone": "plain"}, "030 901820 - 303132", None, id="two-phones-at-a-dash"),
        pytest.param({"phone": "plain"}, "+351 - 912 - 345678", "+351912345678", id="dashes-in-one-phone"),
        pytest.param({"phone": "plain"}, "030 901820/21", None, id="last-digits-of-a-second-phone"),
        pytest.param({"phone": "plain"}, "0171/2345679", "01712345679", id="area-code-before-slash"),
        pytest.param({"phone": "plain"}, "1-800-FLOWERS", None, id="letters"),
        pytest.param({"extension": "remove"}, "+34651234567 ext. 12", "+34651234567", id="extension"),
        pytest.param({"extension": "remove"}, "+34651234567 x123", "+34651234567", id="short-extension"),
        pytest.param({"extension": "remove"}, "see ext. 12", None, id="no-phone-before-it"),
        pytest.param({"plus": "add"}, "34651234567", "+34651234567", id="plus"),
        pytest.param({"plus": "add"}, "0651234567", None, id="no-plus-before-zero"),
        pytest.param({"currency": "remove", "decimal": ","}, "1.512,77 €", "1512.77", id="euros"),
        pytest.param({"currency": "remove"}, "USD 3", "3", id="dollars"),
        pytest.param({"currency": "remove"}, "(200)", None, id="accounting-negative"),
        pytest.param({"time": "midnight"}, "1985-05-15 00:00:00", "1985-05-15", id="midnight"),
        pytest.param({"time": "midnight"}, "2026-01-31T00:00Z", "2026-01-31", id="midnight-with-zone"),
        pytest.param({"time": "midnight"}, "2026-01-31T10:15:00Z", None, id="not-midnight"),
        pytest.param({"time": "drop"}, "2026-01-31T10:15:00Z", "2026-01-31", id="any-time"),
        pytest.param(
            {"time": "midnight", "date": "m/d/yyyy"}, "1/2/2020 12:00 AM", "2020-01-02", id="american-midnight"
        ),
        pytest.param({"date": "d-mmm-yy"}, "15-may-85", "1985-05-15", id="month-name"),
        pytest.param({"date": "d-mmm-yy"}, "31-ene-26", "2026-01-31", id="spanish-month"),
        pytest.param({"date": "d-mmm-yy"}, "31-feb-26", None, id="no-such-day-of-a-named-month"),
        pytest.param({"date": "mmm d, yyyy"}, "Sept. 3, 2020", "2020-09-03", id="american-long-date"),
        pytest.param({"date": "d/m/yy"}, "1/2/29", "2029-02-01", id="two-digit-year"),
        pytest.param({"date": "d/m/yy"}, "1/2/30", "1930-02-01", id="two-digit-year-of-last-century"),
        pytest.param({"date": "serial"}, "31182", "1985-05-15", id="serial-number"),
        pytest.param({"date": "serial"}, "1985", None, id="a-year-is-no-serial-number"),
        pytest.param({"yearless": "blank"}, "--03-14", "", id="vcard-without-year"),
        pytest.param({"yearless": "blank"}, "0000-07-04", "", id="year-zero"),
        pytest.param({"yearless": "blank"}, "3/14", "", id="month-and-day"),
        pytest.param({"yearless": "blank"}, "0000-00-00", None, id="no-date-at-all"),
    ],
)
def test_a_preset_key_reads_what_it_names_and_leaves_the_rest(
    keys: dict[str, Any], written: str, meant: str | None
) -> None:
    assert read([written], **keys) == [written if meant is None else meant]


@given(st.sampled_from(CATALOGUE.fields), st.data(), st.text(max_size=20))
def test_a_reading_of_any_cell_has_one_count_for_each_title(field: Any, data: st.DataObject, cell: str) -> None:
    rule = data.draw(st.sampled_from(readings_of(field))).rule
    found = translate(pa.chunked_array([[cell]]), rule, field.type)
    assert len(found.counts) == len(titles(rule))


@pytest.mark.parametrize("field", [pytest.param(field, id=field.id) for field in CATALOGUE.fields])
def test_no_reading_changes_what_the_rules_accept(field: Any) -> None:
    valid = {
        "email": ["ann.o'neil+x@example.com"],
        "phone": ["+34651234567", "651234567"],
        "date": ["1990-12-31", "2024-02-29"],
        "integer": ["1", "1234567"],
        "decimal": ["12.5", "-0.25", "1234567.5"],
        "boolean": ["true", "false", "1", "0"],
        "text": ["plain text", "12"],
        "radio": list(field.option_ids),
        "checkbox": list(field.option_ids),
    }[field.type]
    for reading in readings_of(field):
        if reading.may_be_certain:
            after = translate(pa.chunked_array([valid]), reading.rule, field.type).cells.to_pylist()
            assert after == valid, reading
