"""A catalogue with one field of each type, and the profile that properties run under."""

import os

import pytest
from hypothesis import settings

from schemas.catalogue import FieldCatalogue

settings.register_profile("contacts", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("contacts")


@pytest.fixture(scope="session")
def catalogue() -> FieldCatalogue:
    """One field of each type; gaps as the types have them by default."""
    return FieldCatalogue.model_validate(
        {
            "fields": [
                {"id": "email", "type": "email", "identity": True, "label": "Email", "aliases": ["correo electrónico"]},
                {"id": "name", "type": "text", "label": "Full name", "aliases": ["Nombre"]},
                {"id": "phone", "type": "phone", "aliases": ["Teléfono"]},
                {"id": "born", "type": "date"},
                {"id": "points", "type": "integer"},
                {"id": "spent", "type": "decimal"},
                {"id": "vip", "type": "boolean"},
                {"id": "status", "type": "radio", "options": [{"id": "subscribed", "label": "Subscribed"}, "none"]},
                {"id": "likes", "type": "checkbox", "options": ["sports", "music", "books"]},
                {"id": "other_email", "type": "email"},
            ]
        }
    )
