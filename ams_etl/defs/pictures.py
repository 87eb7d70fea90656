"""Charts for the asset pages: small PNGs inside the metadata, drawn by matplotlib, a few kilobytes each in the event log."""

import base64
import io
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

_log = logging.getLogger(__name__)
_INCHES = (6.4, 2.2)
_DOTS = 100
_COLOURS = 32
"""Of the palette: a chart of few colours takes a quarter of the bytes that way."""
_SERIES = ("#1f5fa8", "#d1731a", "#2f8f4e", "#8a4fa3", "#b23a48", "#6b6b6b", "#3aa6a6", "#a68a2f")
"""Colours that people who see few of them can still distinguish, in this order."""
_MOST_SERIES = 8

Pictures = dict[str, dg.MarkdownMetadataValue]


def over_time(
    name: str, title: str, days: Sequence[date], series: Mapping[str, Sequence[float]], unit: str
) -> Pictures:
    """Return a picture of numbers over days, a line per series, under a name; empty where there is nothing to draw."""
    shown = dict(list(series.items())[:_MOST_SERIES])
    if not days or not shown:
        return {}

    def draw(axes: Any) -> None:
        for colour, (label, values) in zip(_SERIES, shown.items(), strict=False):
            axes.plot(days, values, label=label, color=colour, linewidth=1.6, marker="o", markersize=2.5)
            axes.annotate(f"{values[-1]:,.4g}", (days[-1], values[-1]), xytext=(4, 0), textcoords="offset points",
                          fontsize=7, va="center", color=colour)  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.set_ylabel(unit, fontsize=8)
        if len(shown) > 1:
            axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.06, 1.0), frameon=False)
        _label_days(axes, days)

    return _drawn(name, title, draw)


def columns(name: str, title: str, labels: Sequence[str], values: Sequence[float], unit: str) -> Pictures:
    """Return a picture of a bar per label with its number, under a name; empty where there is nothing to draw."""
    if not any(values):
        return {}

    def draw(axes: Any) -> None:
        bars = axes.bar(range(len(labels)), values, color=_SERIES[0])
        axes.bar_label(bars, fmt="{:,.4g}", fontsize=7)
        axes.set_xticks(range(len(labels)), labels, fontsize=7, rotation=20 if len(labels) > 8 else 0)
        axes.set_ylabel(unit, fontsize=8)
        axes.margins(y=0.15)

    return _drawn(name, title, draw)


def _label_days(axes: Any, days: Sequence[date]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if len(days) == 1:
        axes.set_xticks(days, [f"{days[0]:%d %b %Y}"])
        return
    locator = AutoDateLocator(maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _drawn(name: str, title: str, draw: Callable[[Any], None]) -> Pictures:
    try:
        return {name: _markdown(title, _png(title, draw))}
    except Exception as error:  # noqa: BLE001 - what is published is published: no picture is worth a failed run
        _log.warning("the picture %r could not be drawn: %s: %s", title, type(error).__name__, error)
        return {}


def _markdown(title: str, png: bytes) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")


def _png(title: str, draw: Callable[[Any], None]) -> bytes:
    # Its import takes half a second, so it waits until a picture is drawn. A figure of its own instead of pyplot's: nothing is
    # kept, and no window system is asked for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=_INCHES, dpi=_DOTS, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    axes.grid(axis="y", linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    canvas.draw()
    pixels = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    image = pixels.convert("RGB").quantize(_COLOURS)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
