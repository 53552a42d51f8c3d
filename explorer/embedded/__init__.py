"""The model that ships, as a folder of Hugging Face."""
