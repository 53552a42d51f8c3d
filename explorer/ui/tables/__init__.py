"""The tables of the screen, each a tuple of columns: a column is added or moved in one place. Must not know widgets."""
