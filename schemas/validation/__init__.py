"""The catalogue as Pandera schemas: rule codes, checks on whole columns, schemas."""
