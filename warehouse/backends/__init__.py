"""Everything that one database does differently from the others."""
