"""The dialogs; each returns a value, or None where the person changed their mind."""
