"""The guided import: its session, forms, preview, and suspension."""
