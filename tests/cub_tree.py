"""CUB-200-2011's layout, small: painted birds whose parts are discs of colour."""

from pathlib import Path

import numpy as np
from PIL import Image

PARTS = {1: "beak", 2: "left wing", 3: "tail"}
COLOURS = {1: (255, 0, 0), 2: (0, 255, 0), 3: (0, 0, 255)}
POINTS = {1: (40, 30), 2: (61, 45), 3: (85, 55)}  # pixels, in an image 120 wide and 90 high
BOX = (30.0, 20.0, 60.0, 40.0)
CLASSES = {3: "003.Sooty_Albatross", 7: "007.Parakeet_Auklet"}


def painted(mode: str = "RGB") -> Image.Image:
    """Grey, with a disc of 9 pixels' radius in the part's colour around every part's point."""
    pixels = np.full((90, 120, 3), 128, np.uint8)
    rows, columns = np.indices((90, 120))
    for part, (x, y) in POINTS.items():
        pixels[(rows - y) ** 2 + (columns - x) ** 2 <= 81] = COLOURS[part]
    return Image.fromarray(pixels).convert(mode)


def cub_tree(folder: Path) -> Path:
    """Two classes of ten images, six of them for training; ids start at 101."""
    rows: dict[str, list[str]] = {
        name: [] for name in ("images", "image_class_labels", "train_test_split", "bounding_boxes", "parts/part_locs")
    }
    (folder / "parts").mkdir()
    image = 101
    for number, name in CLASSES.items():
        (folder / "images" / name).mkdir(parents=True)
        for i in range(10):
            path = f"{name}/bird_{i}.png"
            painted("L" if i == 9 else "RGB").save(folder / "images" / path)
            rows["images"].append(f"{image} {path}")
            rows["image_class_labels"].append(f"{image} {number}")
            rows["train_test_split"].append(f"{image} {int(i < 6)}")
            rows["bounding_boxes"].append(f"{image} " + " ".join(map(str, BOX)))
            rows["parts/part_locs"] += [f"{image} {part} {x}.0 {y}.0 1" for part, (x, y) in POINTS.items()]
            image += 1
    for file, lines in rows.items():
        (folder / f"{file}.txt").write_text("\n".join(lines) + "\n")
    (folder / "classes.txt").write_text("".join(f"{i} {name}\n" for i, name in CLASSES.items()))
    (folder / "parts/parts.txt").write_text("".join(f"{i} {name}\n" for i, name in PARTS.items()))
    return folder
