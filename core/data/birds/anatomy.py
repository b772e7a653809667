"""A bird's outlines: its pose, and the parts that follow from it. x is forward, y up, a body is one long."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.data.birds.geometry import N, U, band, bezier, direction, ellipse, piece, turned
from core.data.birds.species import Build

Place = Callable[[np.ndarray], np.ndarray]
"""Takes points of the head, in head radii, to where the head is."""

PARTS = (
    "back",
    "beak",
    "belly",
    "breast",
    "crown",
    "forehead",
    "left eye",
    "left leg",
    "left wing",
    "nape",
    "right eye",
    "right leg",
    "right wing",
    "tail",
    "throat",
)
"""CUB's fifteen, in CUB's order."""


@dataclass(frozen=True)
class Shape:
    """Outlines of one colour: which part they are of ("" for none), the ink they are drawn in, the points (n, 2)."""

    part: str
    ink: str
    outlines: list[np.ndarray]


@dataclass(frozen=True)
class Pose:
    """How one bird stands (angles in degrees, lengths in body lengths)."""

    right: bool
    """Faces the picture's right, and so shows its own right side."""
    pitch: float
    near_lift: float
    """The near wing: 0 folded … 1 raised."""
    far_lift: float | None
    """The far wing: None hidden behind the body, 0 its edge shows over the back … 1 raised."""
    nod: float
    stretch: float
    turn: float
    """The head: 0 in profile … 1 towards the viewer, who sees both eyes from 0.4."""
    back: bool
    """Looks back over its shoulder, showing the other eye."""
    tail: float
    spread: float
    steps: tuple[float, float]
    """Where the near and the far foot stand."""
    tucked: bool
    """Holds the far foot up."""


def random_pose(rng: np.random.Generator, difficulty: float) -> Pose:
    """Draw a pose; a higher difficulty (0…1) bends it further from the plain one."""
    reach = 0.4 + 0.6 * difficulty
    wide = rng.random() < 0.65
    return Pose(
        right=bool(rng.random() < 0.5),
        pitch=rng.normal(0, 9 * reach),
        near_lift=rng.uniform(0.35, 1) if rng.random() < 0.15 + 0.25 * difficulty else rng.uniform(0, 0.08),
        far_lift=(rng.uniform(0.3, 1) if rng.random() < 0.6 else 0.0) if rng.random() < 0.68 else None,
        nod=rng.normal(0, 13 * reach),
        stretch=rng.uniform(0, 0.1 * reach),
        turn=rng.uniform(0.5, 1) if wide else rng.uniform(0, 0.25),
        back=bool(rng.random() < 0.04 + 0.12 * difficulty),
        tail=rng.normal(0, 12 * reach),
        spread=rng.uniform(0.9, 1.1 + 0.5 * reach),
        steps=(rng.uniform(0.02, 0.16), rng.uniform(-0.18, -0.04)),
        tucked=bool(rng.random() < 0.12 * reach),
    )


def anatomy(build: Build, pose: Pose) -> list[Shape]:
    """Return a bird's shapes, the hindmost first; its perch passes through (0, -foot_drop(build))."""
    near, far = ("right", "left") if pose.right else ("left", "right")
    pitch = build.pitch + pose.pitch
    body = _body(build, pitch)
    shapes = []
    shoulder = turned(np.array([0.27, 0.14 * build.depth]), pitch)
    if pose.far_lift is not None:
        shift = turned(np.array([0.05, 0.62 * build.depth]), pitch) * (1 - 0.6 * pose.far_lift)
        shapes += _wing(build, f"{far} wing", shoulder + shift, pitch - 8, pose.far_lift)
    shapes += _tail(build, pose, pitch)
    shapes += _legs(build, pose, pitch, near, far)
    shapes += [
        Shape("belly", "belly", [piece(body)]),
        Shape("back", "back", [piece(body, (0, 0.92), (0.57 - 0.1 * U, 1.0))]),
        Shape("breast", "breast", [piece(body, (0.58, 1), (0.0, 0.57 - 0.1 * U))]),
        Shape("breast", "breast mark", _breast_mark(build, body)),
    ]
    head = turned(np.array([0.37, 0.5 * build.depth]), pitch)
    head = head + direction(68 + 0.25 * pitch, 0.6 * build.head + build.neck + pose.stretch)
    shapes += _neck(build, body, head)
    shapes += _wing(build, f"{near} wing", shoulder, pitch, pose.near_lift)
    shapes += _head(build, pose, head, near, far)
    return shapes


def foot_drop(build: Build) -> float:
    """Return how far below the middle of the body the perch is."""
    return build.depth + build.leg


def _body(build: Build, pitch: float) -> np.ndarray:
    bulge = np.sin(np.pi * U) ** 0.75
    x = -0.52 * np.cos(np.pi * U)
    lower = np.hstack((x, -build.depth * bulge * (0.8 + 0.3 * U)))
    upper = np.hstack((x, build.depth * bulge * (0.68 + 0.22 * U) + 0.03))
    return turned(np.array((lower, upper)), pitch)


def _breast_mark(build: Build, body: np.ndarray) -> list[np.ndarray]:
    if build.breast_mark == "band":
        return [piece(body, (0.7, 0.8), (0.03, 0.5))]
    rows = [(0.64, 0.12), (0.64, 0.28), (0.64, 0.43), (0.74, 0.1), (0.74, 0.25), (0.74, 0.4), (0.85, 0.2), (0.85, 0.38)]
    if build.breast_mark == "streaks":
        return [piece(body, (u, u + 0.12), (v - 0.025, v + 0.035)) for u, v in rows]
    lower, upper = body
    return [ellipse(lower[round(u * (N - 1))] * (1 - v) + upper[round(u * (N - 1))] * v, 0.032, 0.036) for u, v in rows]


def _neck(build: Build, body: np.ndarray, head: np.ndarray) -> list[Shape]:
    radius = 0.93 * build.head
    front, rear = body[0, round(0.86 * (N - 1))], body[1, round(0.52 * (N - 1))]
    chin, back = head + direction(-35, radius), head + direction(160, radius)
    edges = np.array((bezier(chin, 0.5 * chin + 0.5 * front, front), bezier(back, 0.45 * back + 0.55 * head, rear)))
    return [
        Shape("nape", "nape", [piece(edges, v=(0.5, 1))]),
        Shape("throat", "throat", [piece(edges, (0, 0.62), (0, 0.5))]),
        Shape("breast", "breast", [piece(edges, (0.62, 1), (0, 0.5))]),
    ]


def _wing(build: Build, part: str, shoulder: np.ndarray, pitch: float, lift: float) -> list[Shape]:
    length, width = build.wing
    length, width = length * (0.95 + 0.1 * lift), width * (0.92 + 0.4 * lift)
    angle = 186 + pitch - 92 * lift
    tip = shoulder + direction(angle, length)
    path = bezier(shoulder, (shoulder + tip) / 2 + direction(angle - 90, 0.1 * length), tip)
    arm = np.sin(np.pi * U**0.62) ** 0.62
    scallop = 1 + 0.05 * np.abs(np.sin(7 * np.pi * U)) * (U > 0.4)
    edges = band(path, 0.34 * width * arm, 0.6 * width * arm * scallop)
    feathers = [piece(edges, (0.5, 0.94 - 0.25 * v), (v, v + 0.035)) for v in (0.2, 0.4, 0.6, 0.8)]
    return [
        Shape(part, "wing", [piece(edges)]),
        Shape(part, "flight", [piece(edges, (0.46, 1))]),
        Shape(part, "wing line", feathers),
        Shape(part, "wing line", [piece(edges, (0.42, 0.47), (0.02, 0.98))]),
        Shape(part, "wing mark", _wing_mark(build, edges)),
    ]


def _wing_mark(build: Build, edges: np.ndarray) -> list[np.ndarray]:
    if build.wing_mark == "bars":
        return [piece(edges, (0.25, 0.31), (0.06, 0.94)), piece(edges, (0.42, 0.5), (0.06, 0.94))]
    if build.wing_mark == "patch":
        return [piece(edges, (0.5, 0.75), (0.45, 0.88))]
    if build.wing_mark == "tip":
        return [piece(edges, (0.79, 1))]
    if build.wing_mark == "spots":
        return [piece(edges, (u, u + 0.09), (v, v + 0.17)) for u in (0.25, 0.5) for v in (0.15, 0.42, 0.68)]
    return [piece(edges, (0.37, 0.5), (0.04, 0.96))]


def _tail(build: Build, pose: Pose, pitch: float) -> list[Shape]:
    length, width, fork = build.tail
    base = turned(np.array([-0.43, 0.03]), pitch)
    v = 2 * U - 1
    # Across first: each feather is a line from the rump to the end's outline.
    reach = length * (1 - fork * (1 - np.abs(v))) if fork > 0 else length * (1 + fork * v**2)
    opening = np.arctan2(0.5 * width * pose.spread, length)
    angle = np.deg2rad(180 + 0.8 * pitch + pose.tail) + opening * v
    start = base + np.hstack((0 * v, -0.085 * v))
    end = base + np.hstack((np.cos(angle), np.sin(angle))) * (reach + 0.06)
    edges = np.array((start, end))
    lines = [piece(edges, (u - 0.01, u + 0.03), (0.3, 0.95)) for u in (0.25, 0.5, 0.75)]
    return [
        Shape("tail", "tail", [piece(edges)]),
        Shape("tail", "tail line", lines),
        Shape("tail", "tail tip", [piece(edges, v=(0.78, 1))]),
    ]


def _legs(build: Build, pose: Pose, pitch: float, near: str, far: str) -> list[Shape]:
    shapes = []
    ground = -foot_drop(build)
    for side, step, hip_x in ((far, pose.steps[1], -0.1), (near, pose.steps[0], 0.02)):
        hip = turned(np.array([hip_x, -0.72 * build.depth]), pitch)
        foot = np.array([hip[0] + step, ground])
        if pose.tucked and side == far:
            foot = np.array([hip[0] + 0.14, ground + 0.45 * build.leg])
        heel = 0.55 * hip + 0.45 * foot - np.array([0.07 + 0.05 * build.leg, 0])
        tarsus = bezier(hip, 2 * heel - (hip + foot) / 2, foot)
        outlines = [piece(band(tarsus, 0.034, 0.034)), *(foot + toe for toe in _TOES)]
        shapes.append(Shape(f"{side} leg", "leg", outlines))
        shapes.append(Shape("belly", "belly", [ellipse(0.85 * hip + 0.15 * foot, 0.07, 0.08)]))
    return shapes


_TOES = [
    piece(band(np.array([[0, 0], [x, y]]), 0.024, 0.018)) for x, y in ((0.13, -0.012), (0.1, -0.06), (-0.09, -0.03))
]


def _head(build: Build, pose: Pose, centre: np.ndarray, near: str, far: str) -> list[Shape]:
    radius, turn = build.head, pose.turn
    if pose.back:
        near, far = far, near

    def place(points: np.ndarray) -> np.ndarray:
        points = turned(radius * points, pose.nod)
        return centre + (points * (-1, 1) if pose.back else points)

    eye = np.array([0.34 - 0.42 * turn, 0.14])

    def wedge(start: float, stop: float, inner: float = 0.0, outer: float = 1.0) -> np.ndarray:
        angles = np.deg2rad(start + (stop - start) * U)
        rim = np.hstack((1.03 * np.cos(angles), 0.97 * np.sin(angles)))
        return place(piece(np.array((0 * rim + eye, rim)), v=(inner, outer)))

    shapes = []
    if build.crest:
        tip = direction(132, 1.0 + build.crest)
        front = bezier(direction(58), direction(85, 1.2 + 0.5 * build.crest), tip)
        rear = bezier(direction(150, 0.9), direction(140, 1.05), tip)
        shapes.append(Shape("crown", "crown", [place(piece(np.array((rear, front))))]))
    shapes += [
        Shape("throat", "throat", [wedge(228, 372)]),
        Shape("nape", "nape", [wedge(148, 230)]),
        Shape("crown", "crown", [wedge(64, 148)]),
        Shape("crown", "crown mark", [wedge(66, 146, 0.62, 0.98)]),
        Shape("forehead", "forehead", [wedge(8, 66)]),
    ]
    half_eye = 0.32 * (0.25 / radius) ** 0.8
    far_eye = np.array([0.98 - 0.34 * turn, 0.2])
    if turn > 0.4:
        shapes += _eye(f"{far} eye", far_eye, half_eye * (0.55 + 0.25 * turn), half_eye * 0.95, place)
    shapes += _beak(build, turn, place)
    shapes += _eye(f"{near} eye", eye, half_eye, half_eye, place)
    return shapes


def _eye(part: str, at: np.ndarray, width: float, height: float, place: Place) -> list[Shape]:
    spark = at + np.array((0.22 * width, 0.28 * height))
    return [
        Shape(part, "eye ring", [place(ellipse(at, width, height))]),
        Shape(part, "iris", [place(ellipse(at, 0.74 * width, 0.74 * height))]),
        Shape(part, "pupil", [place(ellipse(at, 0.48 * width, 0.48 * height))]),
        Shape(part, "glint", [place(ellipse(spark, 0.2 * width, 0.2 * height))]),
    ]


def _beak(build: Build, turn: float, place: Place) -> list[Shape]:
    length, depth, hook = (value / build.head for value in build.beak)
    base = np.array([0.86 - 0.42 * turn, -0.12])
    tip = base + np.array((length * (1 - 0.3 * turn) + 0.1, -0.3 * depth - 0.15 * turn - hook))
    half = np.array((0, 0.5 * depth))
    top, bottom = base + half, base - half
    over = bezier(top, (top + tip) / 2 + (0.1 * length, 0.22 * depth + 0.8 * hook), tip)
    under = bezier(bottom, (bottom + tip) / 2 + (0, 0.02 + 0.3 * hook), tip)
    edges = np.array((under, over))
    return [
        Shape("beak", "beak", [place(piece(edges))]),
        Shape("beak", "beak line", [place(piece(edges, (0, 1), (0, 0.38)))]),
    ]
