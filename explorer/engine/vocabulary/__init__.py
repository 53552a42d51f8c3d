"""Vocabularies: bytes of ids, ids of texts, chats as ids. Must not know the model."""
