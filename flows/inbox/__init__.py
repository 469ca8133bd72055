"""Inboxes: folders whose files are imported and moved."""
