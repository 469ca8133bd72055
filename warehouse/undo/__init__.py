"""Takes imports, deletes and undos back."""
