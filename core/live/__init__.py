"""What pages call: an image explained while somebody waits. Nothing of a visitor's own image is written to disk.

Nothing here imports torch before it computes.
"""

from core.live.cache import LiveCache, live_cache
from core.live.check import Checked, check_maps, known_checks
from core.live.explain import explain_image, with_teacher
from core.live.networks import Networks
from core.live.results import CellResult, as_json, in_parts, settled
from core.live.scene import Scene, scene_of, scene_of_image

__all__ = [
    "CellResult",
    "Checked",
    "LiveCache",
    "Networks",
    "Scene",
    "as_json",
    "check_maps",
    "explain_image",
    "in_parts",
    "known_checks",
    "live_cache",
    "scene_of",
    "scene_of_image",
    "settled",
    "with_teacher",
]
