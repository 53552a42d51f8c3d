"""Sampling in words: the settings, what each cuts, what stops a run and how fast it goes. Must not know logits."""
