"""A consent that is not imported is reported, with the options that import it."""

import pytest

from schemas.catalogue import load_catalogue
from transforms.mapping.columns import map_columns
from transforms.mapping.header_names import speaks_of_consent

CATALOGUE = load_catalogue()


@pytest.mark.parametrize(
    "header",
    [
        "doNotEmail",
        "Email Opt Out",
        "HasOptedOutOfEmail",
        "Unsubscribed from all email",
        "Opted out of email: Newsletter",
        "Email Marketing Consent",
        "Email Suppressions",
        "Accepts SMS Marketing",
        "Bounced",
        "DoNotCall",
        "Consentimiento RGPD",
        "Fecha de baja",
        "Désabonné",
        "Abgemeldet am",
        "Consenso marketing",
        "Unsub",
        "UNSUB_TIME",
        "No molestar",
    ],
)
def test_a_header_speaks_of_consent(header: str) -> None:
    assert speaks_of_consent(header)


@pytest.mark.parametrize("header", ["Email", "Option", "Marketing contact status", "No", "Adopted"])
def test_another_header_does_not_speak_of_consent(header: str) -> None:
    assert speaks_of_consent(header) is False


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("doNotEmail", "newsletter_subscription_status"),
        ("Accepts SMS Marketing", "sms_subscription_status"),
        ("DoNotCall", "sms_subscription_status"),
        ("Company", None),
    ],
)
def test_the_field_of_a_consent_is_the_one_of_its_channel(header: str, field: str | None) -> None:
    assert map_columns(["email", header], CATALOGUE).columns[1].consent_field == field
