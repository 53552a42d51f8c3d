"""A walk: one session on one engine. What a person wants becomes a call of the engine and events of the record.

Knows `core` and the interface of engines. Must not know widgets, so that all of it is tested without a terminal.
"""
