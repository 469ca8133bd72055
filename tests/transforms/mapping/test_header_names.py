"""Headers in other spellings and languages: matched where they are clear, otherwise suggested at most."""

import pytest

from schemas.catalogue import load_catalogue
from schemas.errors.request import NoEmailColumn
from transforms.mapping.columns import map_columns

CATALOGUE = load_catalogue()


def mapped(*names: str, first: tuple[tuple[str, ...], ...] = ()) -> dict[str, str | None]:
    """The field of each column; `?field` where it is only suggested."""
    columns = map_columns(names, CATALOGUE, first=first, final=False).columns
    return {
        column.name: column.field.id if column.field else column.suggestion and f"?{column.suggestion}"
        for column in columns
    }


@pytest.mark.parametrize(
    ("header", "field"),
    [
        pytest.param("Email_Address", "email", id="underscore"),
        pytest.param("email-address", "email", id="hyphen"),
        pytest.param("EmailAddress", "email", id="camel-case"),
        pytest.param("Email*", "email", id="asterisk"),
        pytest.param("Email:", "email", id="colon"),
        pytest.param("[Email]", "email", id="brackets"),
        pytest.param("Work Email", "email", id="work-email"),
        pytest.param("Primary Email", "email", id="primary-email"),
        pytest.param("Email 1", "email", id="email-1"),
        pytest.param("E-Mail1", "email", id="email-1-in-one-word"),
        pytest.param("PhoneNumber", "mobile_phone", id="two-words"),
        pytest.param("date_of_birth", "birthdate", id="three-words"),
        pytest.param("Name Prefix", None, id="more-words"),
        pytest.param("Work Phone", None, id="only-the-email-has-qualifiers"),
    ],
)
def test_a_header_in_the_spelling_of_programs_is_matched(header: str, field: str | None) -> None:
    assert mapped(header)[header] == field


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(("Work Email", "Email"), {"Work Email": "?email", "Email": "email"}, id="exact-before-qualified"),
        pytest.param(("first_name", "Name"), {"first_name": "?name", "Name": "name"}, id="exact-before-folded"),
        pytest.param(
            ("Work Email", "Email*"), {"Work Email": "?email", "Email*": "email"}, id="folded-before-qualified"
        ),
        pytest.param(
            ("Work Email", "Primary Email"), {"Work Email": "?email", "Primary Email": "?email"}, id="two-qualified"
        ),
        pytest.param(
            ("email", "first_name", "FirstName:"),
            {"email": "email", "first_name": "?name", "FirstName:": "?name"},
            id="two-folded",
        ),
    ],
)
def test_another_spelling_is_matched_only_if_no_other_column_names_the_field(
    names: tuple[str, ...], expected: dict[str, str | None]
) -> None:
    assert mapped(*names) == expected


def test_a_column_in_another_spelling_of_a_field_that_is_taken_stays_unknown() -> None:
    columns = map_columns(["email", "x", "first_name"], CATALOGUE, [[("x", "name")]]).columns
    assert [(column.field and column.field.id, column.suggestion) for column in columns[1:]] == [
        ("name", None),
        (None, "name"),
    ]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param("correo electrónico, nombre, apellidos, móvil, fecha de nacimiento, ciudad, país", id="es"),
        pytest.param("correu electrònic, nom de pila, cognoms, mòbil, data de naixement, ciutat, país", id="ca"),
        pytest.param("courriel, prénom, nom de famille, portable, date de naissance, ville, pays", id="fr"),
        pytest.param("E-Mail-Adresse, Vorname, Nachname, Handy, Geburtsdatum, Ort, Land", id="de"),
        pytest.param("indirizzo e-mail, nome, cognome, cellulare, data di nascita, città, paese", id="it"),
        pytest.param("endereço de e-mail, nome, sobrenome, telemóvel, data de nascimento, cidade, país", id="pt"),
    ],
)
def test_headers_in_seven_languages_are_matched(names: str) -> None:
    fields = ["email", "name", "surname", "mobile_phone", "birthdate", "city", "country"]
    assert list(mapped(*names.split(", ")).values()) == fields


@pytest.mark.parametrize(
    ("header", "cells", "suggestion"),
    [
        pytest.param("IP Address", ("10.0.0.1",), None, id="ip-address-is-no-email"),
        pytest.param("Customer", ("true",), None, id="customer-is-not-vip"),
        pytest.param("Status", ("active",), None, id="a-bare-status"),
        pytest.param("SMS", ("33612345678",), None, id="sms-may-be-a-number-or-a-consent"),
        pytest.param("Ciudat", ("Sevilla",), "city", id="one-letter-wrong"),
        pytest.param("Ciudat", ("41001",), None, id="the-cells-are-no-cities"),
        pytest.param("Brithday", ("3/14/1990", "-"), "birthdate", id="dates-in-any-format"),
        pytest.param("Brithday", ("yes", "no"), None, id="the-cells-are-no-dates"),
        pytest.param("Telephon", ("+34 651 23 45 67",), "mobile_phone", id="phones"),
        pytest.param("Contry", (), "country", id="no-record"),
        pytest.param("Birth Day", ("14", "3"), None, id="a-day-of-the-month"),
        pytest.param("Job", ("nurse",), None, id="short-names-are-never-near"),
    ],
)
def test_a_field_is_suggested_only_if_name_and_cells_are_near(
    header: str, cells: tuple[str, ...], suggestion: str | None
) -> None:
    found = mapped("email", header, first=(("a@example.com",), cells) if cells else ())
    assert found[header] == (suggestion and f"?{suggestion}")


def test_a_column_full_of_emails_is_suggested_as_the_email_with_its_option() -> None:
    first = (("Ann", "Bob"), ("a@example.com", "b@example.com", "-", "c@example.com", "d@example.com"), ("c@",))
    with pytest.raises(NoEmailColumn, match=r"use --map 'Login ID=email'$"):
        map_columns(["Who", "Login ID", "x"], CATALOGUE, first=first)


def test_each_of_several_columns_full_of_emails_is_named() -> None:
    first = (("a@example.com",), ("b@example.com",))
    with pytest.raises(NoEmailColumn, match=r"use --map column_1=email or --map column_2=email$"):
        map_columns(["Login", "login"], CATALOGUE, first=first)
