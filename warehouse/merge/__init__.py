"""Accepted rows into contacts, in one transaction."""
