"""The files of models: where they are, how they get there, and whether all are there. Must not know torch."""
