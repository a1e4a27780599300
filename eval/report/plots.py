"""Series of points → one line chart as SVG text. Our own sixty lines: a chart that needs no script and no library
prints, scales, and takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 40
POINTS = 240
"""More points than pixels only make the page heavy."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw: `series` maps a run's name to its points, x ascending. `y_max` is 1 for shares."""

    title: str
    x: str
    y: str
    series: Sequence[tuple[str, Sequence[Point]]]
    x_max: float = 1.0
    y_max: float = 1.0
    diagonal: bool = False
    dots: bool = False
    whole: bool = False  # x counts something: ticks at whole numbers


def svg(chart: Chart) -> Markup:
    """The chart as an `<svg>`, labelled in words for those who do not see it."""
    parts = [
        Markup('<svg role="img" viewBox="0 0 {} {}" aria-label="{}">').format(WIDTH, HEIGHT, _described(chart)),
        *_axes(chart),
    ]
    if chart.diagonal:
        parts.append(_line([(0.0, 0.0), (chart.x_max, chart.y_max)], chart, "ideal"))
    for i, (_, points) in enumerate(chart.series):
        thin = _thinned(points)
        parts.append(_line(thin, chart, f"series s{i % 6}"))
        if chart.dots:
            parts += [_dot(p, chart, i) for p in thin]
    return Markup("").join([*parts, Markup("</svg>")])


def _described(chart: Chart) -> str:
    ends = [f"{name} ends at {points[-1][1]:.2f}" for name, points in chart.series if points]
    return f"{chart.title}: {chart.y} over {chart.x}. {'; '.join(ends) or 'no data'}."


def _axes(chart: Chart) -> list[Markup]:
    parts = []
    for tick in ticks(chart.y_max):
        y = _y(tick, chart)
        parts.append(Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(LEFT, y, WIDTH - RIGHT))
        parts.append(Markup('<text x="{}" y="{:.1f}" text-anchor="end">{:g}</text>').format(LEFT - 6, y + 4, tick))
    for tick in ticks(chart.x_max, chart.whole):
        x = _x(tick, chart)
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{:g}</text>').format(x, HEIGHT - BOTTOM + 16, tick)
        )
    middle, centre = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    parts.append(Markup('<text x="{:.0f}" y="{}" text-anchor="middle">{}</text>').format(middle, HEIGHT - 6, chart.x))
    turned = Markup('<text transform="translate(11 {:.0f}) rotate(-90)" text-anchor="middle">{}</text>')
    parts.append(turned.format(centre, chart.y))
    return parts


def ticks(top: float, whole: bool = False) -> list[float]:
    """Round numbers from 0 to at most `top`, four to eight of them.

    >>> ticks(1.0), ticks(8, whole=True)[:3]
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 1.0, 2.0])
    """
    step = 10.0 ** math.floor(math.log10(top / 4)) if top > 0 else 1.0
    step = next(step * m for m in (1, 2, 5, 10) if top / (step * m) <= 8)
    step = max(step, 1.0) if whole else step
    return [round(i * step, 10) for i in range(int(top / step + 1e-9) + 1)]


def _thinned(points: Sequence[Point]) -> list[Point]:
    step = max(1, math.ceil(len(points) / POINTS))
    kept = list(points[::step])
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _line(points: Sequence[Point], chart: Chart, kind: str) -> Markup:
    spots = " ".join(f"{_x(x, chart):.1f},{_y(y, chart):.1f}" for x, y in points)
    return Markup('<polyline class="{}" points="{}"/>').format(kind, spots)


def _dot(point: Point, chart: Chart, i: int) -> Markup:
    spot = Markup('<circle class="dot s{}" r="3" cx="{:.1f}" cy="{:.1f}"><title>{}</title></circle>')
    return spot.format(i % 6, _x(point[0], chart), _y(point[1], chart), escape(f"{point[0]:.3g}: {point[1]:.3f}"))


def _x(value: float, chart: Chart) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, value / (chart.x_max or 1.0))


def _y(value: float, chart: Chart) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, value / (chart.y_max or 1.0))
