"""What training a study's cells takes: room in memory, and the teacher's answers where they are kept."""

from collections.abc import Callable, Sequence

import torch

from core.cells import Cell
from core.distill import TrainingData
from core.distill.groups import Need, Room, free_memory, need, room
from core.distill.replay import Replay
from core.distill.share import Share
from core.distill.train import autocast_dtype
from core.models import skeleton
from core.store import digest_of
from core.study import Study


def space(study: Study, cells: Sequence[Cell], data: TrainingData, place: torch.device, share: Share) -> Room:
    """Reckon how many cells of a study fit into a device's memory at once, the teacher beside them.

    Of several processes that train together, the one with the least room decides.
    """
    recipe, students = study.config.training, study.config.students
    dtype = autocast_dtype(place, recipe.precision)
    taught = any(cell.alpha != 1 for cell in cells)

    def of(architecture: str, explains: bool) -> Need:
        model = skeleton(architecture, len(study.dataset.classes), students.width, students.stem)
        batch, side = min(recipe.batch_size, len(data.ids)), study.config.data.image_size
        return need(model, -(-batch // share.world), side, dtype, explains)

    kinds = [(cell.architecture, cell.explanation_weight > 0) for cell in cells]
    needs = {kind: of(*kind) for kind in set(kinds)}
    teacher = of(study.teacher.architecture, any(explains for _, explains in kinds)) if taught else None
    found = room(free_memory(place), [needs[kind] for kind in kinds], teacher, data.images.nbytes)
    students_at_once, resident = share.least(found.students, found.resident)
    # On the CPU the images are mapped from disk, once for all processes.
    return Room(students_at_once, bool(resident) and place.type == "cuda")


def kept_answers(
    study: Study, seed: int, teacher: str, data: TrainingData, share: Share, on_note: Callable[[str], None]
) -> Replay:
    """Return what the teacher of a study, by its digest, said of one seed's views, as far as it was kept.

    Of several processes each keeps what it was told of its own slices.
    """
    recipe = study.config.training
    place = [study.provenance.get(name) for name in ("device", "precision", "machine", "versions")]
    parts = [teacher, study.dataset.digest, seed, recipe.batch_size, recipe.augmentation, data.mean, data.std, place]
    whose = "" if share.world == 1 else f"-{share.rank + 1}of{share.world}"
    return Replay(study.folder / "replay" / f"s{seed}{whose}", digest_of(parts), on_note)
