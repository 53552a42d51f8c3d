"""Engines: from token ids to a Distribution.

torch is for local.py, loading.py, cache.py, rows.py, probe.py, states.py, passes.py,
logits.py, ranking.py, samplers.py, shortcuts.py and drawing.py.
"""
