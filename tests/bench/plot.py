"""A picture of samples without a library: one strip a figure, each dot a trial, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from tests.bench.figures import Figure, quantile

WIDTH, STRIP, LEFT, RIGHT = 900, 64, 330, 70
OURS, LIMIT, INK, FAINT = "#1f5fa8", "#c9772b", "#222", "#bbb"


def strips(figures: Sequence[Figure]) -> str:
    """Return the figures with their limits, each strip on a scale of its own that begins at 0."""
    height = STRIP * len(figures) + 40
    body = [part for place, figure in enumerate(figures) for part in _strip(figure, place)]
    legend = text(LEFT, height - 12, "henbd", OURS) + text(LEFT + 70, height - 12, "limit", LIMIT)
    return picture(WIDTH, height, [*body, legend])


def picture(width: int, height: int, parts: Sequence[str]) -> str:
    """Return parts as one SVG file."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"])


def text(x: float, y: float, content: str, colour: str = INK, anchor: str = "start") -> str:
    """Return a text at a place; `anchor` says which end of it is there."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">'
        f"{escape(content)}</text>"
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str = FAINT, width: float = 1) -> str:
    """Return a straight line."""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width:g}"/>'
    )


def _strip(figure: Figure, place: int) -> Iterator[str]:
    top = place * STRIP + 10
    # Of the slowest one in fifty the number is told, not the place: they would flatten the rest.
    everything = [*figure.samples, *figure.limit]
    most = max(quantile(everything, 0.98), 1e-9) * 1.05
    yield text(8, top + 24, figure.name)
    yield text(8, top + 40, f"{figure.unit} {len(figure.samples)} trials".strip(), "#777")
    yield line(LEFT, top + 48, WIDTH - RIGHT, top + 48)
    yield text(LEFT, top + 60, "0", "#777", "middle")
    yield text(WIDTH - RIGHT, top + 60, f"{most:.3g}", "#777", "middle")
    rows = ((figure.samples, OURS, top + 14), (figure.limit, LIMIT, top + 34))
    for samples, colour, y in rows:
        yield from _dots(samples, colour, y, most)


def _dots(samples: Sequence[float], colour: str, y: float, most: float) -> Iterator[str]:
    if not samples:
        return
    scale = (WIDTH - RIGHT - LEFT) / most
    for number, value in enumerate(samples):
        if value <= most:
            x, wobble = LEFT + value * scale, (number * 7 % 11) - 5
            yield (
                f'<circle cx="{x:.1f}" cy="{y + wobble * 0.9:.1f}" r="1.8" fill="{colour}" '
                'fill-opacity="0.4"/>'
            )
    middle = LEFT + quantile(samples, 0.5) * scale
    yield line(middle, y - 9, middle, y + 9, colour, 2)
    beyond = sum(value > most for value in samples)
    if beyond:
        yield text(WIDTH - RIGHT + 6, y + 4, f"+{beyond}", colour)
