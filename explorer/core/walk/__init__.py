"""What a record folds into: trees, a cursor, settings, a path; and where one can go from there.

`session` is the one that changes; everything else is a view of it. Must not know engines.
"""
