"""Speed, measured: a generator of contacts, the floors and peers, and the run that sets them side by side."""
