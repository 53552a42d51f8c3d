"""What the commands do. Must not know how it is drawn."""
