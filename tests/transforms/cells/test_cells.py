"""The accepted forms of every type with the stored values, and the rejected ones with their codes."""

import pytest

from tests.transforms.judge_cells import field_of, judge, normalised

ACCEPTED = [
    pytest.param("text", "Ana", "Ana", id="text"),
    pytest.param("text", "  Ana María \t", "Ana María", id="text-outer-space"),
    pytest.param("text", "\u00a0Ana\u3000", "Ana", id="text-outer-unicode-space"),
    pytest.param("text", "NA", "NA", id="text-NA"),
    pytest.param("text", "null", "null", id="text-null"),
    pytest.param("text", "None", "None", id="text-None"),
    pytest.param("text", "nan", "nan", id="text-nan"),
    pytest.param("text", "a\nb", "a\nb", id="text-line-break"),
    pytest.param("text", " \t\r\n ", None, id="text-white-space-is-empty"),
    pytest.param("text", "", None, id="text-empty"),
    pytest.param("email", "Ana@Example.COM", "ana@example.com", id="email-lower-case"),
    pytest.param("email", " ana@example.com ", "ana@example.com", id="email-trimmed"),
    pytest.param("email", "a.b+tag_x-y@sub.example.co.uk", "a.b+tag_x-y@sub.example.co.uk", id="email-tag"),
    pytest.param("email", "JOSÉ@ejemplo.es", "josé@ejemplo.es", id="email-unicode-local"),
    pytest.param("email", "o'neil@example.com", "o'neil@example.com", id="email-apostrophe"),
    pytest.param("email", "", None, id="email-empty"),
    pytest.param("phone", "+34651234567", "+34651234567", id="phone-e164"),
    pytest.param("phone", "651234567", "+34651234567", id="phone-default-prefix"),
    pytest.param("phone", " 651234567 ", "+34651234567", id="phone-outer-space"),
    pytest.param("phone", "+442079460958", "+442079460958", id="phone-other-country"),
    pytest.param("date", "1990-12-31", "1990-12-31", id="date"),
    pytest.param("date", "0001-01-01", "0001-01-01", id="date-first"),
    pytest.param("date", "9999-12-31", "9999-12-31", id="date-last"),
    pytest.param("date", "2000-02-29", "2000-02-29", id="date-leap-century"),
    pytest.param("date", " 2024-02-29 ", "2024-02-29", id="date-outer-space"),
    pytest.param("integer", "1", "1", id="integer"),
    pytest.param("integer", "10", "10", id="integer-with-zero"),
    pytest.param("integer", "9223372036854775807", "9223372036854775807", id="integer-largest"),
    pytest.param("decimal", "12.50", "12.5", id="decimal"),
    pytest.param("decimal", "-12.5", "-12.5", id="decimal-negative"),
    pytest.param("decimal", "0", "0", id="decimal-zero"),
    pytest.param("decimal", "-0.00", "0", id="decimal-minus-zero"),
    pytest.param("decimal", "007.50", "7.5", id="decimal-leading-zeros"),
    pytest.param("decimal", "0.001", "0.001", id="decimal-small"),
    pytest.param("decimal", "100", "100", id="decimal-whole"),
    pytest.param("decimal", "999999999999999", "999999999999999", id="decimal-15-digits"),
    pytest.param("decimal", "-0.00000123456789012345", "-0.00000123456789012345", id="decimal-15-digits-small"),
    pytest.param("boolean", "true", "true", id="boolean-true"),
    pytest.param("boolean", "FALSE", "false", id="boolean-upper"),
    pytest.param("boolean", "tRuE", "true", id="boolean-any-case"),
    pytest.param("boolean", "1", "true", id="boolean-1"),
    pytest.param("boolean", "0", "false", id="boolean-0"),
    pytest.param("boolean", " ", None, id="boolean-blank"),
    pytest.param("radio", "subscribed", "subscribed", id="radio"),
    pytest.param("radio", "none", "none", id="radio-none-is-an-id"),
    pytest.param("radio", "007", "007", id="radio-digits"),
    pytest.param("radius", "subscribed", "subscribed", id="radius-is-radio"),
    pytest.param("checkbox", "music", "music", id="checkbox-one"),
    pytest.param("checkbox", "music|subscribed", "subscribed|music", id="checkbox-catalogue-order"),
    pytest.param("checkbox", "music|music", "music", id="checkbox-repeated"),
    pytest.param("checkbox", " none|music ", "music|none", id="checkbox-outer-space"),
    pytest.param("checkbox", "", None, id="checkbox-empty"),
]

REFUSED = [
    pytest.param("text", "a\0b", "text-invalid", id="text-nul"),
    pytest.param("text", "\0", "text-invalid", id="text-only-nul"),
    pytest.param("text", '="Ona"', "text-invalid", id="text-formula"),
    pytest.param("email", "ana", "email-invalid", id="email-no-at"),
    pytest.param("email", "ana@", "email-invalid", id="email-no-domain"),
    pytest.param("email", "@example.com", "email-invalid", id="email-no-local"),
    pytest.param("email", "ana@@example.com", "email-invalid", id="email-two-at"),
    pytest.param("email", "ana.@example.com", "email-invalid", id="email-dot-last"),
    pytest.param("email", "a..b@example.com", "email-invalid", id="email-two-dots"),
    pytest.param("email", "ana@example", "email-invalid", id="email-no-dot"),
    pytest.param("email", "ana@localhost", "email-invalid", id="email-localhost"),
    pytest.param("email", "ana@shop.test", "email-invalid", id="email-reserved"),
    pytest.param("email", "ana b@example.com", "email-invalid", id="email-space"),
    pytest.param("email", "ana@example.com, eva@example.com", "email-invalid", id="email-two"),
    pytest.param("email", "Ana <ana@example.com>", "email-invalid", id="email-display-name"),
    pytest.param("email", "ana@[127.0.0.1]", "email-invalid", id="email-literal"),
    pytest.param("email", '"ana"@example.com', "email-invalid", id="email-quoted-local"),
    pytest.param("email", "a@b.com\0", "email-invalid", id="email-nul"),
    pytest.param("email", f"a@{'b.' * 126}com", "email-invalid", id="email-too-long"),
    pytest.param("email", f"a@{'b' * 64}.com", "email-invalid", id="email-long-label"),
    pytest.param("phone", "34 651 23 45 67", "phone-has-spaces", id="phone-spaces"),
    pytest.param("phone", "651\u00a0234567", "phone-has-spaces", id="phone-no-break-space"),
    pytest.param("phone", "651\t234567", "phone-has-spaces", id="phone-tab"),
    pytest.param("phone", "abc def", "phone-has-spaces", id="phone-words"),
    pytest.param("phone", "651-234-567", "phone-invalid", id="phone-hyphens"),
    pytest.param("phone", "(651)234567", "phone-invalid", id="phone-brackets"),
    pytest.param("phone", "+34", "phone-invalid", id="phone-prefix-alone"),
    pytest.param("phone", "12345", "phone-invalid", id="phone-short"),
    pytest.param("phone", "++34651234567", "phone-invalid", id="phone-two-plus"),
    pytest.param("phone", "+999651234567", "phone-invalid", id="phone-no-such-country"),
    pytest.param("phone", "٦٥١٢٣٤٥٦٧", "phone-invalid", id="phone-arabic-digits"),
    pytest.param("phone", "tel:+34651234567", "phone-invalid", id="phone-uri"),
    pytest.param("date", "31/12/1990", "date-invalid", id="date-slashes"),
    pytest.param("date", "1990-02-29", "date-invalid", id="date-no-such-day"),
    pytest.param("date", "1900-02-29", "date-invalid", id="date-no-leap-century"),
    pytest.param("date", "0000-01-01", "date-invalid", id="date-year-0"),
    pytest.param("date", "10000-01-01", "date-invalid", id="date-five-digits"),
    pytest.param("date", "1990-1-1", "date-invalid", id="date-one-digit"),
    pytest.param("date", "19901231", "date-invalid", id="date-basic-format"),
    pytest.param("date", "1990-12-31T00:00:00", "date-invalid", id="date-time"),
    pytest.param("date", "1990-W01-1", "date-invalid", id="date-week"),
    pytest.param("date", "１９９０-12-31", "date-invalid", id="date-wide-digits"),
    pytest.param("date", "1990-12-31\n1", "date-invalid", id="date-second-line"),
    pytest.param("integer", "0", "integer-invalid", id="integer-zero"),
    pytest.param("integer", "007", "integer-invalid", id="integer-leading-zero"),
    pytest.param("integer", "-5", "integer-invalid", id="integer-negative"),
    pytest.param("integer", "+5", "integer-invalid", id="integer-plus"),
    pytest.param("integer", "1e3", "integer-invalid", id="integer-exponent"),
    pytest.param("integer", "1.0", "integer-invalid", id="integer-point"),
    pytest.param("integer", "1,000", "integer-invalid", id="integer-thousands"),
    pytest.param("integer", "٣", "integer-invalid", id="integer-arabic-digit"),
    pytest.param("integer", "9223372036854775808", "integer-invalid", id="integer-too-large"),
    pytest.param("integer", "10000000000000000000", "integer-invalid", id="integer-20-digits"),
    pytest.param("decimal", "1e3", "decimal-invalid", id="decimal-exponent"),
    pytest.param("decimal", "1,5", "decimal-invalid", id="decimal-comma"),
    pytest.param("decimal", "1.", "decimal-invalid", id="decimal-point-last"),
    pytest.param("decimal", ".5", "decimal-invalid", id="decimal-point-first"),
    pytest.param("decimal", "+1.5", "decimal-invalid", id="decimal-plus"),
    pytest.param("decimal", "1.5.2", "decimal-invalid", id="decimal-two-points"),
    pytest.param("decimal", "--1", "decimal-invalid", id="decimal-two-minus"),
    pytest.param("decimal", "-", "decimal-invalid", id="decimal-minus-alone"),
    pytest.param("decimal", "1234567890.123456", "decimal-invalid", id="decimal-16-digits"),
    pytest.param("decimal", "1.0000000000000000", "decimal-invalid", id="decimal-trailing-zeros-count"),
    pytest.param("decimal", "nan", "decimal-invalid", id="decimal-nan"),
    pytest.param("decimal", "inf", "decimal-invalid", id="decimal-inf"),
    pytest.param("boolean", "yes", "boolean-invalid", id="boolean-yes"),
    pytest.param("boolean", "2", "boolean-invalid", id="boolean-2"),
    pytest.param("boolean", "01", "boolean-invalid", id="boolean-01"),
    pytest.param("boolean", "t", "boolean-invalid", id="boolean-t"),
    pytest.param("boolean", "ｔｒｕｅ", "boolean-invalid", id="boolean-wide-letters"),
    pytest.param("radio", "Subscribed", "option-unknown", id="radio-label"),
    pytest.param("radio", "7", "option-unknown", id="radio-nearly"),
    pytest.param("radio", "subscribed|none", "option-unknown", id="radio-two"),
    pytest.param("checkbox", "music|", "option-unknown", id="checkbox-empty-part"),
    pytest.param("checkbox", "|", "option-unknown", id="checkbox-only-bar"),
    pytest.param("checkbox", "music||none", "option-unknown", id="checkbox-empty-middle"),
    pytest.param("checkbox", "music|jazz", "option-unknown", id="checkbox-one-unknown"),
    pytest.param("checkbox", "music | none", "option-unknown", id="checkbox-inner-space"),
    pytest.param("checkbox", "music,none", "option-unknown", id="checkbox-comma"),
]

MESSAGES = [
    pytest.param("phone", "34 651 23 45 67", "'34 651 23 45 67' has spaces; write +34651234567", id="phone-spaces"),
    pytest.param("phone", "+34 651 23 45 67", "'+34 651 23 45 67' has spaces; write +34651234567", id="phone-prefix"),
    pytest.param("phone", "1 2", "'1 2' has spaces and is not a valid phone after", id="phone-hopeless"),
    pytest.param("phone", "651-234-567", "has characters other than digits; write +34651234567", id="phone-hyphens"),
    pytest.param(
        "date",
        "1990-02-30",
        "'1990-02-30' is a day that does not exist; correct the day or the month",
        id="date-no-such-day",
    ),
    pytest.param("phone", "+34651234567 x123", "has an extension; write +34651234567", id="phone-extension"),
    pytest.param("phone", "651234567/622334455", "has two numbers; write one of them", id="two-phones"),
    pytest.param("phone", "912345678/79", "has two numbers; write one of them", id="last-digits-of-a-second-phone"),
    pytest.param("phone", "1-800-FLOWERS", "has letters", id="phone-letters"),
    pytest.param("phone", "3.46512E+10", "has lost its digits in a spreadsheet", id="phone-exponent"),
    pytest.param("phone", "6E+08", "has lost its digits in a spreadsheet", id="phone-exponent-of-one-digit"),
    pytest.param(
        "phone", "3.4651234567E10", "is written with an exponent; format", id="phone-exponent-with-all-digits"
    ),
    pytest.param("phone", "#ERROR!", "is an error of a spreadsheet", id="spreadsheet-error"),
    *(
        pytest.param("date", error, "is an error of a spreadsheet; correct its formula", id=error)
        for error in ("#N/A", "#N/D", "#¡VALOR!", "#¿NOMBRE?", "#NV", "#WERT!", "#VALEUR!", "#DIV/0!")
    ),
    pytest.param("date", "#####", "is an error of a spreadsheet; widen its column", id="column-too-narrow"),
    *(
        pytest.param("phone", cell, "two numbers; write one of them", id=f"two-phones-{id}")
        for id, cell in (
            ("comma", "+34651234567, +34622334455"),
            ("line-break", "651234567\n622334455"),
            ("dash", "651 23 45 67 - 622 33 44 55"),
            ("word", "651234567 y 622334455"),
            ("english-word", "+34 651234567 or (+34) 622334455"),
        )
    ),
    pytest.param("phone", "+351 - 912 - 345678", "write +351912345678", id="dashes-in-one-phone"),
    pytest.param("phone", "+3465123456", "is not a valid phone; check its digits", id="phone-with-its-prefix"),
    pytest.param("date", "30/01/1990", "may have its day or its month first; write yyyy-mm-dd", id="date-other-order"),
    pytest.param("date", "31/02/1990", "is a day that does not exist", id="no-such-day-in-another-order"),
    pytest.param("date", "0000-07-04", "has no year", id="date-without-year"),
    pytest.param("date", "3/14", "has no year", id="date-of-day-and-month"),
    pytest.param("date", "0000-00-00", "is no date", id="date-of-zeros"),
    pytest.param("date", "2026-01-31T10:15:00", "write the day alone: 2026-01-31", id="date-with-time"),
    pytest.param("date", "1984-07-19T22:00:00.000Z", "has a time in UTC, and may be another day", id="date-in-utc"),
    pytest.param("date", "1984-07-19T00:00:00Z", "write the day alone: 1984-07-19", id="date-at-midnight-in-utc"),
    pytest.param("date", "1984-07-19T22:00:00+01:00", "write the day alone: 1984-07-19", id="date-with-local-time"),
    pytest.param("date", "15-may-85", "has a year of two digits", id="date-with-two-digit-year"),
    pytest.param("date", "1/31/90", "has a year of two digits", id="date-of-one-digit-and-two-digit-year"),
    pytest.param("integer", "１２", "is not written with the digits 0 to 9", id="integer-in-full-width-digits"),
    pytest.param("decimal", "1,234", "may be 1.234 or 1234; write the right one", id="decimal-two-meanings"),
    pytest.param("decimal", "(200)", "may be a negative number", id="decimal-brackets"),
    pytest.param("checkbox", '["music"]', "is a list in brackets", id="json-list"),
    pytest.param("email", "a@b.com, c@d.com", "it has several @", id="email-several"),
    pytest.param("email", "rosa\u200b@b.com", "has the invisible character U+200B", id="email-invisible"),
    pytest.param(
        "integer", "9223372036854775808", "is too large; write at most 9223372036854775807", id="integer-too-large"
    ),
    pytest.param("integer", "1.0", "write only digits, without zeros in front", id="integer-point"),
    pytest.param("decimal", "12,50", "has a decimal comma; write 12.50", id="decimal-comma"),
    pytest.param("decimal", "12345678901234.56", "more than 15 significant digits", id="decimal-digits"),
    pytest.param("decimal", "about 5", "write digits with a point, such as 12.50", id="decimal-words"),
    pytest.param("boolean", "yes", "'yes' is neither true nor false; write true, false, 1 or 0", id="boolean"),
    pytest.param("radio", "Subscribed", "'Subscribed' is a label; write the ID 'subscribed'", id="label"),
    pytest.param("checkbox", "musica", "'musica' is a label; write the ID 'music'", id="label-without-accent"),
    pytest.param("radio", "None", "'None' is not written as the option is; write the ID 'none'", id="other-case"),
    pytest.param("radio", "subscribd", "'subscribd' is not an option; did you mean 'subscribed'?", id="nearest-option"),
    pytest.param("radio", "xyz", "'xyz' is not an option; write one of: subscribed, music, none, 007", id="options"),
    pytest.param("radio", "\u0301", "'\u0301' is not an option; write one of", id="a-lone-accent-is-no-label"),
    pytest.param("checkbox", "music||none", "an option between two '|' is empty", id="empty-part"),
    pytest.param("checkbox", "music|jaz|roc", "'jaz' is not an option; write one of", id="each-wrong-option"),
    pytest.param(
        "checkbox",
        "Musica, subscribd",
        "'Musica' is a label; write the ID 'music'; 'subscribd' is not an option; did you mean 'subscribed'?; separate",
        id="each-wrong-option-at-commas",
    ),
    pytest.param("checkbox", ",", "',' is not an option; write one of: ", id="only a sign"),
    pytest.param("checkbox", "music & none", "has several values; separate the options with '|'", id="ampersand"),
    pytest.param("checkbox", "music\nnone", "has several values; separate the options with '|'", id="line-break"),
    pytest.param("text", "a\0b", "contains a NUL character; remove it", id="text-nul"),
    pytest.param("email", "ana.example.com", "'ana.example.com' is not a valid email: ", id="email"),
]


@pytest.mark.parametrize(("type", "cell", "stored"), ACCEPTED)
def test_accepted_and_stored(type: str, cell: str, stored: str | None) -> None:
    assert judge([cell], field_of(type)) == [(stored, (), ())]


@pytest.mark.parametrize(("type", "cell", "code"), REFUSED)
def test_an_invalid_cell_is_rejected_and_stays_as_written(type: str, cell: str, code: str) -> None:
    field = field_of(type)
    assert [verdict.codes for verdict in judge([cell], field)] == [(code,)]
    assert normalised([cell], field) == [cell]


@pytest.mark.parametrize(("type", "cell", "message"), MESSAGES)
def test_message_says_what_to_write(type: str, cell: str, message: str) -> None:
    [verdict] = judge([cell], field_of(type))
    assert len(verdict.messages) == 1
    assert message in verdict.messages[0]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        pytest.param("1712345678.0", "has characters other than digits; write +491712345678", id="stored-as-a-decimal"),
        *(
            pytest.param(
                cell,
                "may be +491712345678, or +49491712345678 with the prefix +49; write +491712345678 or 0491712345678",
                id=f"two-meanings-{cell}",
            )
            for cell in ("49-171-2345678", "49 171 2345678")
        ),
    ],
)
def test_a_message_about_a_german_phone_says_what_to_write(cell: str, message: str) -> None:
    [verdict] = judge([cell], field_of("phone"), "+49")
    assert verdict.messages[0].endswith(message)


def test_every_wrong_option_is_named() -> None:
    [verdict] = judge(["jazz|music|rock"], field_of("checkbox"))
    assert "'jazz'" in verdict.messages[0]
    assert "'rock'" in verdict.messages[0]
    assert "'music'" not in verdict.messages[0].split("write one of")[0]
    [verdict] = judge(["jazz||jazz|"], field_of("checkbox"))
    assert verdict.messages[0].count("'jazz'") == verdict.messages[0].count("is empty") == 1


def test_message_does_not_repeat_a_long_cell() -> None:
    [verdict] = judge(["x" * 5_000], field_of("date"))
    assert len(verdict.messages[0]) < 200


@pytest.mark.parametrize(
    ("prefix", "cell", "stored"),
    [
        pytest.param("+34", "651234567", "+34651234567", id="spain"),
        pytest.param("+44", "02079460958", "+442079460958", id="uk-trunk-zero"),
        pytest.param("+44", "2079460958", "+442079460958", id="uk"),
        pytest.param("+1", "2125550123", "+12125550123", id="us-for-shared-prefix"),
        pytest.param("+39", "0612345678", "+390612345678", id="italy-keeps-zero"),
        pytest.param("+351", "912345678", "+351912345678", id="portugal"),
        pytest.param("+44", "+34651234567", "+34651234567", id="own-prefix-wins"),
    ],
)
def test_phone_is_read_in_the_default_prefix(prefix: str, cell: str, stored: str) -> None:
    assert judge([cell], field_of("phone"), prefix) == [(stored, (), ())]


@pytest.mark.parametrize(
    ("field", "codes"),
    [
        pytest.param(field_of("text", gaps="reject-row"), ("value-missing",), id="reject-row"),
        pytest.param(field_of("integer", gaps="allow"), (), id="allow"),
        pytest.param(field_of("date"), (), id="drop-column-rejects-nobody"),
        pytest.param(field_of("email", id="email", identity=True), ("email-missing",), id="identity"),
        pytest.param(field_of("email"), (), id="other-email"),
    ],
)
@pytest.mark.parametrize("cell", ["", "  ", None])
def test_an_empty_cell_is_rejected_only_if_its_field_requires_a_value(
    field: object, codes: tuple[str, ...], cell: str | None
) -> None:
    [verdict] = judge([cell], field)  # type: ignore[arg-type]
    assert verdict.codes == codes
    assert verdict.stored is None
