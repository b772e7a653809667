"""Where a network looks: one map an image, with its error bar."""

from core.attribution.baselines import BASELINES, Baseline, baseline
from core.attribution.captum_methods import grad_cam, input_x_gradient, smoothgrad
from core.attribution.explanation import Explanation
from core.attribution.integrated_gradients import integrated_gradients, refine
from core.attribution.methods import Settings, explain
from core.attribution.network import SCORES, Prepared, Score
from core.attribution.saliency import saliency
from core.attribution.targets import Policy, pick_targets

__all__ = [
    "BASELINES",
    "SCORES",
    "Baseline",
    "Explanation",
    "Policy",
    "Prepared",
    "Score",
    "Settings",
    "baseline",
    "explain",
    "grad_cam",
    "input_x_gradient",
    "integrated_gradients",
    "pick_targets",
    "refine",
    "saliency",
    "smoothgrad",
]
