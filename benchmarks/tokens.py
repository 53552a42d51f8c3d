"""`tokens` against the library's own load: `python benchmarks/tokens.py FOLDER...`, of folders with tokenizers.

Each is a process of its own, from its start to its end with its children, three times; the medians, in seconds of a
processor, which a busy machine changes least. *Library* imports AutoTokenizer and encodes with it, as a script of three
lines would; *without torch* does so where torch cannot be imported.
"""

import resource
import statistics
import subprocess
import sys

TEXT = "Hello world, 옛날 옛적에"
LIBRARY = """
from transformers import AutoTokenizer
AutoTokenizer.from_pretrained({folder!r}, local_files_only=True)({text!r})
"""
BARRED = "import sys; sys.modules['torch'] = None\n"
ROUNDS = 3


def seconds(*command: str) -> float:
    """The median of what a process and its children take of a processor."""
    taken = []
    for _ in range(ROUNDS):
        before = spent()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(spent() - before)
    return statistics.median(taken)


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(folders: list[str]) -> None:
    """A line for each folder."""
    print(f"{'':40}{'tokens':>10}{'without torch':>16}{'library':>10}")
    for folder in folders:
        script = LIBRARY.format(folder=folder, text=TEXT)
        ours = seconds(sys.executable, "-m", "explorer", "tokens", TEXT, "--model", folder)
        bare = seconds(sys.executable, "-c", BARRED + script)
        whole = seconds(sys.executable, "-c", script)
        print(f"{folder[-40:]:40}{ours:10.2f}{bare:16.2f}{whole:10.2f}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["explorer/embedded"])
