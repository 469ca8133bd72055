"""The SQL warehouse: its tables, staging, merge policies, segments and import list; SQLAlchemy stays in here."""
