"""The files an import leaves: rejected rows, accepted rows, samples."""
