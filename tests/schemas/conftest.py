"""Properties are tried on the same examples wherever CI is set, and nowhere against the clock."""

import os

from hypothesis import settings

settings.register_profile("contacts", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("contacts")
