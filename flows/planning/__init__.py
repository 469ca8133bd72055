"""Plans of imports: what one would do, and the digest by which it does exactly that."""
