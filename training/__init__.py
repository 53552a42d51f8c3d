"""The training of the model that ships: its corpus, the template texts, the run. Not part of the wheel."""
