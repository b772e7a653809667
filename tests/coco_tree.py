"""Part masks in COCO's format, small: drawn as PartImageNet hands them out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (60, 40)  # width and height
HEAD, BODY, EYE, SAIL, HULL = range(5)
CATEGORIES = [
    {"id": HEAD, "name": "Quadruped Head", "supercategory": "Quadruped"},
    {"id": BODY, "name": "Quadruped Body", "supercategory": "Quadruped"},
    {"id": EYE, "name": "Quadruped Eye", "supercategory": "Quadruped"},
    {"id": SAIL, "name": "Boat Sail", "supercategory": "Boat"},
    {"id": HULL, "name": "Boat Body", "supercategory": "Boat"},
]
COLOURS = {HEAD: (255, 0, 0), BODY: (0, 255, 0), EYE: (0, 0, 255), SAIL: (255, 255, 0), HULL: (0, 255, 255)}
BOXES = {
    HEAD: (10, 8, 12, 10),
    BODY: (18, 12, 26, 16),
    EYE: (13, 10, 4, 4),
    SAIL: (20, 4, 10, 18),
    HULL: (12, 22, 30, 8),
}
"""Left, top, width, height; the head overlaps the body, the eye lies in the head."""
KINDS = {"n02100735": (BODY, HEAD, EYE), "n02510455": (BODY, HEAD, EYE), "n04147183": (SAIL, HULL)}


def polygon(box: tuple[int, ...]) -> list[list[float]]:
    x, y, w, h = box
    return [[x, y, x + w, y, x + w, y + h, x, y + h]]


def runs(box: tuple[int, ...]) -> dict[str, Any]:
    """The same box as run lengths, down the columns."""
    (x, y, w, h), (_, height) = box, SIZE
    counts = [x * height + y] + [h, height - h] * (w - 1) + [h]
    return {"size": [height, SIZE[0]], "counts": [*counts, SIZE[0] * height - sum(counts)]}


def painted(kind: str) -> Image.Image:
    pixels = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    for part in KINDS[kind]:  # as KINDS has them, the larger first
        x, y, w, h = BOXES[part]
        pixels[y : y + h, x : x + w] = COLOURS[part]
    return Image.fromarray(pixels)


def tree(kinds: dict[str, int], first: int = 1, folders: bool = False) -> dict[str, list[dict[str, Any]]]:
    images, annotations = [], []
    for kind, count in kinds.items():
        for i in range(count):
            image = first + len(images)
            name = f"{kind}_{image}.png"
            images.append(
                {"id": image, "file_name": f"{kind}/{name}" if folders else name, "width": SIZE[0], "height": SIZE[1]}
            )
            for part in sorted(KINDS[kind]):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image,
                        "category_id": part,
                        "bbox": [float(side) for side in BOXES[part]],
                        "area": float(BOXES[part][2] * BOXES[part][3]),
                        "segmentation": runs(BOXES[part]) if i % 2 else polygon(BOXES[part]),
                        "iscrowd": i % 2,
                    }
                )
    return {"images": images, "annotations": annotations, "categories": CATEGORIES}


def write(path: Path, content: dict[str, Any], images: Path | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    for entry in content["images"] if images else ():
        place = images / entry["file_name"]  # type: ignore[operator]
        place.parent.mkdir(parents=True, exist_ok=True)
        painted(place.name.partition("_")[0]).save(place)


def partimagenet(folder: Path) -> Path:
    """PartImageNet as it is handed out: annotations/<split>/<split>.json, images/<split>/<class>_<number>.JPEG."""
    for split, count, first in (("train", 6, 1), ("val", 2, 101), ("test", 3, 201)):
        content = tree(dict.fromkeys(KINDS, count), first)
        write(folder / f"annotations/{split}/{split}.json", content, folder / "images" / split)
        write(folder / f"annotations/{split}/{split}_whole.json", {"images": []}, None)
    return folder
