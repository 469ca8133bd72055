"""A consent that is not imported is reported, with the options that import it."""

import pytest

from flows.reports.consent import consent_warnings
from schemas.catalogue import load_catalogue
from transforms.chunks.file_profile import ColumnProfile
from transforms.mapping.columns import ColumnOutcome, map_columns
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
        "Do not allow Emails",
        "Do not allow Bulk Emails",
        "Email permission status",
        "Newsletter (0/1)",
        "Ne pas contacter",
        "Nicht kontaktieren",
        "Non contattare",
        "Não contactar",
        "Abonné",
        "Newsletter-Abonnement",
        "Abonniert",
        "Inscrit",
        "Iscritto",
        "Inscrito",
        "Acepta publicidad",
        "Accetta comunicazioni",
        "WhatsApp opt-in",
    ],
)
def test_a_header_speaks_of_consent(header: str) -> None:
    assert speaks_of_consent(header)


@pytest.mark.parametrize(
    "header",
    [
        "Email",
        "Option",
        "Marketing contact status",
        "No",
        "Adopted",
        "Nicht zugestellt",
        "Non renseigné",
        "Permission level",
        "Discriminator",
    ],
)
def test_another_header_does_not_speak_of_consent(header: str) -> None:
    assert speaks_of_consent(header) is False


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("doNotEmail", "newsletter_subscription_status"),
        ("Accepts SMS Marketing", "sms_subscription_status"),
        ("DoNotCall", "sms_subscription_status"),
        ("WhatsApp opt-in", None),
        ("Company", None),
    ],
)
def test_the_field_of_a_consent_is_the_one_of_its_channel(header: str, field: str | None) -> None:
    assert map_columns(["email", header], CATALOGUE).columns[1].consent_field == field


def test_a_consent_whose_field_has_another_column_is_not_advised_to_take_it() -> None:
    columns = map_columns(["email", "Newsletter", "Email Opt Out"], CATALOGUE).columns
    outcomes = (ColumnOutcome.IMPORTED, ColumnOutcome.IMPORTED, ColumnOutcome.UNKNOWN_FIELD)
    profiles = [ColumnProfile(column, outcome, 0, ()) for column, outcome in zip(columns, outcomes, strict=True)]
    (warning,) = consent_warnings(profiles)
    assert "newsletter_subscription_status comes from the column 'Newsletter'" in warning
    assert warning.endswith("or ignore this one with --map 'Email Opt Out='")


@pytest.mark.parametrize(
    ("mapping", "warned"),
    [
        ({"Boletín": "newsletter_subscription_status"}, True),
        ({"Boletín": "newsletter_subscription_status", "Newsletter": ""}, False),
        ({"Boletín": "city"}, False),
    ],
)
def test_a_consent_column_that_loses_its_field_to_a_mapped_one_is_warned_of(
    mapping: dict[str, str], warned: bool
) -> None:
    columns = map_columns(["email", "Newsletter", "Boletín"], CATALOGUE, [mapping.items()]).columns
    outcomes = [ColumnOutcome.IGNORED if column.ignored else ColumnOutcome.IMPORTED for column in columns]
    profiles = [ColumnProfile(column, outcome, 0, ()) for column, outcome in zip(columns, outcomes, strict=True)]
    warnings = list(consent_warnings(profiles))
    assert ["'Newsletter'" in warning and "comes from the column 'Boletín'" in warning for warning in warnings] == (
        [True] if warned else []
    )
