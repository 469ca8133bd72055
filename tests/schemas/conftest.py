"""Property tests have no deadline, and use the same examples in every run where CI is set."""

import os

from hypothesis import settings

settings.register_profile("contacts", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("contacts")
