"""Colours as people with a colour vision deficiency see them, and how far apart two colours are to the eye."""

import numpy as np
from skimage.color import rgb2lab

KINDS = ("usual", "protanopia", "deuteranopia", "tritanopia")
# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
MATRICES = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colours: np.ndarray, kind: str) -> np.ndarray:
    """Return (n, 3) uint8 colours as they are seen, (n, 3) in 0 … 1."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(MATRICES[kind]).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def lab(colours: np.ndarray) -> np.ndarray:
    """Return (n, 3) colours in 0 … 1 in CIELAB: lightness first, 2.3 apart where a difference is just noticed."""
    found: np.ndarray = rgb2lab(colours[None])[0]
    return found
