"""Objects of random shape, colour and pose, as MuJoCo bodies."""

import colorsys
import math
from collections.abc import Callable
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

import numpy as np

FEWEST, MOST = 3, 5
PLACES = 0.19  # objects start at most this far from the middle of the tray, in x and in y
GAP = 0.015


class Shape(NamedTuple):
    """A shape that stands on the floor.

    Attributes:
        geoms: attributes of its MuJoCo geoms.
        height: of its middle above the floor, in metres.
        radius: of the circle around it seen from above, in metres.
    """

    geoms: list[dict[str, str]]
    height: float
    radius: float


def _box(rng: np.random.Generator) -> Shape:
    x, y, z = rng.uniform(0.026, 0.038, 3)
    return Shape([_geom("box", (x, y, z))], z, math.hypot(x, y))


def _bar(rng: np.random.Generator) -> Shape:
    x, y, z = rng.uniform((0.052, 0.016, 0.018), (0.068, 0.022, 0.026))
    return Shape([_geom("box", (x, y, z))], z, math.hypot(x, y))


def _cylinder(rng: np.random.Generator) -> Shape:
    radius, z = rng.uniform((0.028, 0.022), (0.04, 0.036))
    return Shape([_geom("cylinder", (radius, z))], z, radius)


def _ball(rng: np.random.Generator) -> Shape:
    radius = rng.uniform(0.026, 0.036)
    return Shape([_geom("sphere", (radius,))], radius, radius)


def _cross(rng: np.random.Generator) -> Shape:
    x, y, z = rng.uniform((0.042, 0.015, 0.02), (0.054, 0.02, 0.028))
    return Shape([_geom("box", (x, y, z)), _geom("box", (y, x, z))], z, math.hypot(x, y))


def _angle(rng: np.random.Generator) -> Shape:
    x, y, z = rng.uniform((0.042, 0.015, 0.02), (0.054, 0.019, 0.028))
    arms = [_geom("box", (x, y, z), (0, y - x)), _geom("box", (y, x, z), (y - x, 0))]
    return Shape(arms, z, math.hypot(x, x))


SHAPES: tuple[Callable[[np.random.Generator], Shape], ...] = (
    _box,
    _bar,
    _cylinder,
    _ball,
    _cross,
    _angle,
)


def add_objects(world: Element, rng: np.random.Generator) -> list[str]:
    """Adds three to five objects to a scene, apart from each other and at rest on the floor.

    Args:
        world: the `worldbody` of a MuJoCo model.
        rng: source of shapes, colours and poses.

    Returns:
        Names of the bodies.

    Example:

    >>> add_objects(Element("worldbody"), np.random.default_rng(1))[:3]
    ['object_0', 'object_1', 'object_2']
    """
    shapes = [
        SHAPES[i](rng) for i in rng.integers(len(SHAPES), size=rng.integers(FEWEST, MOST + 1))
    ]
    shares = (np.arange(len(shapes)) + rng.uniform(-0.2, 0.2, len(shapes))) / len(shapes)
    hues = (rng.random() + shares) % 1
    places = _places(rng, np.array([shape.radius for shape in shapes]))
    names = [f"object_{index}" for index in range(len(shapes))]
    for name, shape, (x, y), hue in zip(names, shapes, places, hues, strict=True):
        turn = rng.uniform(-180, 180)
        pose = {"pos": _text(x, y, shape.height), "axisangle": _text(0, 0, 1, turn)}
        body = SubElement(world, "body", {"name": name, **pose})
        SubElement(body, "freejoint")
        color = colorsys.hsv_to_rgb(hue, rng.uniform(0.75, 1), rng.uniform(0.7, 0.95))
        for geom in shape.geoms:
            SubElement(body, "geom", {"class": "object", "rgba": _text(*color, 1), **geom})
    return names


def _places(rng: np.random.Generator, radii: np.ndarray) -> np.ndarray:
    """x and y of objects that do not touch each other."""
    apart = np.triu(radii[:, None] + radii + GAP, k=1)
    while True:  # there is room for five of the largest, so this ends
        places = rng.uniform(-PLACES, PLACES, (len(radii), 2))
        distances = np.linalg.norm(places[:, None] - places, axis=-1)
        if np.all(distances >= apart):
            return places


def _geom(kind: str, size: tuple[float, ...], place: tuple[float, float] = (0, 0)) -> dict:
    return {"type": kind, "size": _text(*size), "pos": _text(*place, 0)}


def _text(*numbers: float) -> str:
    return " ".join(repr(float(number)) for number in numbers)
