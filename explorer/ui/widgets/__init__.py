"""One widget a file; each gets a snapshot and posts intents, and asks no other."""
