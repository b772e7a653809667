"""What pages call: an image explained while somebody waits. Nothing of a visitor's own image is written to disk."""

from core.live.cache import LiveCache, live_cache
from core.live.check import Checked, check_maps
from core.live.explain import explain_image, with_teacher
from core.live.networks import Networks, network
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
    "live_cache",
    "network",
    "scene_of",
    "scene_of_image",
    "settled",
    "with_teacher",
]
