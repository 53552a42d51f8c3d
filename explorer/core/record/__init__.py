"""The record: its events, the file that they are written to, and what is told or mended of it without a session.

Must not know what events fold into.
"""
