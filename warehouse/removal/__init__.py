"""Contacts that leave the warehouse: deleted, so that it can be undone, or erased for good."""
