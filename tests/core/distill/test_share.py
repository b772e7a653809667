"""Two processes that train together do what one does: the same gradients, statistics and accuracy, and any stop."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import nn

from core.config import Training
from core.distill import Learner, TrainingData, train
from core.distill.share import ALONE, Share
from core.models import build
from tests.forks import forks

loop = import_module("core.distill.train")  # `from` would give the function of that name
CPU = torch.device("cpu")
IMAGES, BATCH = 19, 9
"""Two batches, of which one process sees 5 images and the other 4."""
CASES: dict[str, dict[str, Any]] = {
    "undistilled": {"alpha": 1.0},
    "distilled": {"alpha": 0.1},
    "looking": {"alpha": 0.1, "explanation_weight": 2.0},
    "torch's own BatchNorm": {"alpha": 0.1, "architecture": "plain"},
    "in bf16": {"alpha": 0.1, "precision": "bf16"},
}
"""Not torchvision's networks: as they begin, sums in another order move their gradients by a hundredth in fp32."""
WORLD = 2


def data() -> TrainingData:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (count, 32, 32, 3), np.uint8) for count in (IMAGES, 7)]
    labels = [np.arange(len(each)) % 3 for each in images]
    ids = np.arange(100, 100 + IMAGES)
    return TrainingData(images[0], labels[0], ids, images[1], labels[1], (0.4, 0.5, 0.6), (0.2, 0.3, 0.2))


def network(architecture: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = plain() if architecture == "plain" else build(architecture, 3, 0.0625, "small")
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.3)  # of ResNets some begin at 0, and let no gradient through
            nn.init.normal_(module.bias, 0.0, 0.3)
    return model


def plain() -> nn.Module:
    layers = (nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))


def learner(
    folder: Path,
    share: Share,
    architecture: str = "resnet18",
    alpha: float = 0.1,
    explanation_weight: float = 0.0,
    **recipe: Any,
) -> Learner:
    given: dict[str, Any] = {"epochs": 1, "batch_size": BATCH, "precision": "fp32", "validate_every": 1, **recipe}
    model, settings = network(architecture, 1), Training(**given)
    return Learner("a", model, alpha, "key", folder / "a", settings, explanation_weight, share)


def go(student: Learner, on_epoch: Callable[[Learner], None] = lambda learner: None) -> None:
    teacher = network("resnet18", 2).eval().requires_grad_(False)
    train([student], teacher, data(), student.recipe, 3, CPU, on_epoch)


def first_steps(folder: Path, share: Share) -> None:
    """Write what each case learns from its first batch, and what it then is."""
    for name, case in CASES.items():
        student, step = learner(folder / name, share, **case), torch.optim.SGD.step
        found: dict[str, torch.Tensor] = {}

        def keep(found: dict = found, student: Learner = student, step: Callable = step) -> None:
            if not found:
                found |= {f"gradient.{k}": p.grad.clone() for k, p in student.model.named_parameters()}
                found |= {f"after.{k}": v.clone() for k, v in student.model.named_buffers()}
            step(student.optimiser)

        student.optimiser.step = keep  # type: ignore[assignment, method-assign]
        go(student)
        row = student.history[0]
        found["history"] = torch.tensor([v for k, v in row.items() if k != "seconds"], dtype=torch.float64)
        save_file({k: v.contiguous() for k, v in found.items()}, folder / f"{name}{share.rank}of{share.world}")


def stopped(folder: Path, share: Share) -> None:
    """Train undisturbed, and stopped between two epochs and in the middle of one; the last state says what came out."""
    go(learner(folder / "undisturbed", share, epochs=3))

    def end(student: Learner) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(learner(folder / "stopped", share, epochs=3), end)
    again = learner(folder / "stopped", share, epochs=3)
    assert (again.epoch, again.step) == (1, 0), "what the leading process has on disk, the others go on from"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SECONDS", -1.0 if share.leads else 1e9)  # one clock counts
        save = Learner.save
        patch.setattr(Learner, "save", lambda each: end(save(each)))
        with pytest.raises(KeyboardInterrupt):
            go(again)
    again = learner(folder / "stopped", share, epochs=3)
    assert (again.epoch, again.step) == (1, 1)
    go(again)


def both(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", store=dist.FileStore(str(folder / "store"), WORLD), rank=rank, world_size=WORLD)
    for work in (first_steps, stopped):
        work(folder, Share(rank, WORLD))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left, and beside it what one did alone."""
    folder = tmp_path_factory.mktemp("together")
    ranks = [forks().Process(target=both, args=(rank, folder)) for rank in range(WORLD)]
    for each in ranks:
        each.start()
    (folder / "alone").mkdir()
    first_steps(folder / "alone", ALONE)
    for each in ranks:
        each.join(300)
    assert [each.exitcode for each in ranks] == [0, 0]
    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_step_is_that_of_one_process_on_the_whole_batch(name: str, done: Path) -> None:
    alone = load_file(done / "alone" / f"{name}0of1")
    bf16 = CASES[name].get("precision") == "bf16"
    for rank in range(WORLD):
        found = load_file(done / f"{name}{rank}of{WORLD}")
        assert found.keys() == alone.keys()
        off = {k: (found[k].double() - alone[k].double()).abs().max().item() for k in alone}
        assert max(off.values()) < (2e-2 if bf16 else 1e-5), max(off, key=off.__getitem__)


def test_a_stop_changes_no_bit(done: Path) -> None:
    undisturbed, stopped = (load_file(done / name / "a") for name in ("undisturbed", "stopped"))
    assert undisturbed.keys() == stopped.keys()
    for key, value in undisturbed.items():
        assert torch.equal(value, stopped[key]), key
