"""The report of a check or an import."""
