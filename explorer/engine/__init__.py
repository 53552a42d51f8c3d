"""Engines: from token ids to a Distribution. torch is for local.py, loading.py, cache.py, logits.py and drawing.py."""
