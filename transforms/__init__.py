"""Pure steps over files and frames: land, parse, map, read, validate, split."""
