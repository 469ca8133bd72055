"""What a contact is: the field catalogue, and everything generated from it."""
