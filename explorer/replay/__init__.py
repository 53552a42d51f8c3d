"""What is done with a record that is complete: its numbers are computed again, it is walked again, two are compared.

Functions over Session and Engine that return values and print nothing.
"""
