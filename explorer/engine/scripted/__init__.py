"""An engine without a model: its tables follow from the ids, so that whatever uses an engine can be tried on it."""
