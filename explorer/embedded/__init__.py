"""The model that ships, as a folder of Hugging Face."""

EMBEDDED = "embedded"
"""Its name."""
