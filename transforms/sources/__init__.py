"""Where a source is, who may read it, and how it is fetched."""
