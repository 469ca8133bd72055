"""The log of stages: one INFO line when a stage ends, with counts and seconds and no value.

The flows forward it to the log of their run. With `-v`, the command line prints it on standard error.
"""

import logging
import sys

stage_log = logging.getLogger("contacts")
stage_log.setLevel(logging.INFO)
stage_log.propagate = False


def print_stage_log() -> None:
    """Print the lines on standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("contacts: %(message)s"))
    stage_log.addHandler(handler)
