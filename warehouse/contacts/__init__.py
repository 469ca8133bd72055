"""Contacts and segments as they are stored."""
