"""Heat on the screen: the metrics that a key walks through, and the legend. The colours are in themes/*.toml."""

from explorer.core.heat import METRIC, METRICS, STEPS

HEAT_METRICS = ("", *(metric.id for metric in METRICS))
"""What a key walks through; the first is none."""


def legend(metric: str) -> str:
    """The scale of a metric by its id, as Textual markup: nothing of it comes from a model."""
    scale = "".join(f"[on $heat-{step}]   [/]" for step in range(STEPS))
    return f"{metric}: {METRIC[metric].low} {scale} {METRIC[metric].high}"
