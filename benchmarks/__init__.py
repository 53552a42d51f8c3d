"""What the program costs: one script a question, and `make bench` for the figures of docs/measurements.md."""
