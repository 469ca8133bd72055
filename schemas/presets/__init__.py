"""Presets: saved mappings and translations for the exports of other platforms."""
