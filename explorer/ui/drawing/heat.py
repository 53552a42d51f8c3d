"""Heat on the screen: the metrics that a key walks through, and the legend. The colours are in themes/*.toml."""

from explorer.core.heat import SIGNS, STEPS, Metric

HEAT_METRICS: tuple[Metric, ...] = ("", "prob", "entropy", "surprisal", "rank")
"""What a key walks through; the first is none."""


def legend(metric: Metric) -> str:
    """The scale, as Textual markup: nothing of it comes from a model."""
    low, high = SIGNS[metric]
    scale = "".join(f"[on $heat-{step}]   [/]" for step in range(STEPS))
    return f"{metric}: {low} {scale} {high}"
