"""The loop: what a cell learns depends on nothing but its own settings, and a stop changes nothing."""

import copy
import functools
import importlib
import itertools
import math
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from core.config import Training
from core.distill import Learner, TrainingData, epoch_order, train, views
from core.distill.loss import input_x_gradient
from core.distill.train import learning_rate
from core.distill.views import draws
from core.errors import Unreadable, UserError
from core.inputs import as_input
from core.models import build
from tests.faults import few_files

loop = importlib.import_module("core.distill.train")  # `from` would give the function of that name
CPU = torch.device("cpu")
EPOCHS = 3
PRECISIONS = ["fp32", "bf16"]


def recipe(**changes: object) -> Training:
    given = {"epochs": EPOCHS, "batch_size": 8, "precision": "fp32", "validate_every": 2, **changes}
    return Training(**given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """Three classes of noise, each with a channel that is brighter."""
    rng = np.random.default_rng(0)

    def some(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 3
        images = rng.integers(0, 180, (count, 32, 32, 3), np.uint8)
        images[np.arange(count), :, :, labels] += 60
        return images, labels

    images, labels = some(24)
    return TrainingData(images, labels, np.arange(100, 124), *some(12), (0.4, 0.4, 0.4), (0.2, 0.2, 0.2))


@pytest.fixture(scope="module")
def teacher() -> nn.Module:
    torch.manual_seed(5)
    return build("resnet18", 3, 0.0625, "small").eval().requires_grad_(False)


def learner(folder: Path, name: str, settings: Training, key: str = "key", weight: float = 0.0) -> Learner:
    """`resnet18-0.1` and the like; `weight` is λ."""
    architecture, alpha = name.split("-")
    slim = {"width": 0.0625, "stem": "small"} if architecture.startswith("resnet") else {}
    torch.manual_seed(0)
    model = build(architecture, 3, **slim)
    return Learner(name, model, float(alpha), key, folder / f"{name}.safetensors", settings, weight)


def go(
    learners: list[Learner], teacher: nn.Module, data: TrainingData, on_epoch: Callable = lambda learner: None
) -> None:
    torch.seed()  # whatever was drawn before counts for nothing
    train(learners, copy.deepcopy(teacher), data, learners[0].recipe, 3, CPU, on_epoch)


def same(a: Learner, b: Learner) -> bool:
    """Bit for bit: weights, statistics, momentum and history, but for the time it took."""
    pairs = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in each.history] for each in (a, b)]
    return all(torch.equal(x, y) for x, y in pairs) and str(rows[0]) == str(rows[1])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_cell_trained_in_a_group_equals_itself_trained_alone(
    precision: str, data: TrainingData, teacher: nn.Module, tmp_path: Path
) -> None:
    settings = recipe(precision=precision)
    names = ["resnet18-1.0", "resnet34-0.1", "resnet18-0.1", "mnasnet0_5-0.5"]  # with dropout
    group = [learner(tmp_path / "group", name, settings) for name in names]
    go(group, teacher, data)
    for each in group:
        alone = learner(tmp_path / "alone", each.name, settings)
        go([alone], teacher, data)
        assert same(each, alone), each.name
    assert not same(group[0], group[2]), "α counts"


def both(folder: Path, precision: str) -> list[Learner]:
    return [learner(folder, name, recipe(precision=precision)) for name in ("resnet18-1.0", "resnet50-0.1")]


@pytest.fixture(scope="module")
def undisturbed(
    data: TrainingData, teacher: nn.Module, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[Learner]]:
    """Train both without a stop, once for each precision."""

    @functools.cache
    def undisturbed(precision: str) -> list[Learner]:
        learners = both(tmp_path_factory.mktemp(precision), precision)
        go(learners, teacher, data)
        return learners

    return undisturbed


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("stop", [(1, "resnet18-1.0"), (1, "resnet50-0.1"), (2, "resnet18-1.0"), (3, "resnet18-1.0")])
def test_a_run_that_was_stopped_gives_the_same_bits(
    precision: str,
    stop: tuple[int, str],
    data: TrainingData,
    teacher: nn.Module,
    undisturbed: Callable[[str], list[Learner]],
    tmp_path: Path,
) -> None:
    """Also where it stopped between the two cells of a group, which then stand at different epochs."""

    def interrupt(each: Learner) -> None:
        if (each.epoch, each.name) == stop:
            raise KeyboardInterrupt

    stopped = both(tmp_path, precision)
    with pytest.raises(KeyboardInterrupt):
        go(stopped, teacher, data, interrupt)
    resumed = both(tmp_path, precision)
    first, second = stop[0], stop[0] - (stop[1] == "resnet18-1.0")
    assert [each.epoch for each in resumed] == [first, second]
    go(resumed, teacher, data)
    for one, other in zip(undisturbed(precision), resumed, strict=True):
        assert same(one, other), one.name


@pytest.mark.parametrize(("precision", "last"), [("fp32", 1), ("bf16", 2), ("fp32", 5), ("bf16", 11)])
def test_a_run_that_was_killed_in_the_middle_of_an_epoch_gives_the_same_bits(
    precision: str,
    last: int,
    data: TrainingData,
    teacher: nn.Module,
    undisturbed: Callable[[str], list[Learner]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Saved after every step, and killed when `last` files had been written: 3 steps of each of 2, and 2 as it ends."""
    expected = undisturbed(precision)
    whole, written = Learner.save, 0

    def save(each: Learner) -> None:
        nonlocal written
        if written == last:
            raise KeyboardInterrupt
        whole(each)
        written += 1

    monkeypatch.setattr(loop, "SECONDS", -1.0)
    monkeypatch.setattr(Learner, "save", save)
    with pytest.raises(KeyboardInterrupt):
        go(both(tmp_path, precision), teacher, data)
    monkeypatch.undo()
    resumed = both(tmp_path, precision)
    stood = {1: [(0, 1), (0, 0)], 2: [(0, 1), (0, 1)], 5: [(0, 3), (0, 2)], 11: [(1, 2), (1, 1)]}
    assert [(each.epoch, each.step) for each in resumed] == stood[last]
    go(resumed, teacher, data)
    for one, other in zip(expected, resumed, strict=True):
        assert same(one, other), one.name


def test_a_state_is_written_every_minute_and_every_epoch(
    data: TrainingData, teacher: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on by 40 s whenever it is read: at the start, after each step, and where that was due."""
    stood: list[tuple[int, int]] = []
    monkeypatch.setattr(Learner, "save", lambda each: stood.append((each.epoch, each.step)))
    clock = SimpleNamespace(monotonic=itertools.count(0, 40).__next__, perf_counter=time.perf_counter)
    monkeypatch.setattr(loop, "time", clock)
    go([learner(tmp_path, "resnet18-1.0", recipe())], teacher, data)
    assert stood == [(0, 2), (1, 0), (1, 1), (1, 3), (2, 0), (2, 2), (3, 0)]


def test_a_finished_state_is_only_read(data: TrainingData, teacher: nn.Module, tmp_path: Path) -> None:
    first = learner(tmp_path, "resnet18-0.1", recipe())
    go([first], teacher, data)
    again = learner(tmp_path, "resnet18-0.1", recipe())
    told: list[int] = []
    go([again], teacher, data, lambda each: told.append(each.epoch))
    assert same(first, again)
    assert told == []


def test_state_that_does_not_fit_is_not_taken_up(data: TrainingData, teacher: nn.Module, tmp_path: Path) -> None:
    first = learner(tmp_path, "resnet18-1.0", recipe())
    go([first], teacher, data)
    whole = first.state_path.read_bytes()
    assert learner(tmp_path, "resnet18-1.0", recipe(), key="another recipe").epoch == 0
    damage = {
        "a bit of a weight": whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:],
        "the header": whole[:20] + bytes([whole[20] ^ 0xFF]) + whole[21:],
        "an epoch": whole.replace(b'"epoch":"3"', b'"epoch":"2"'),
        "cut": whole[: len(whole) // 2],
        "nothing": b"",
    }
    fresh = learner(tmp_path / "empty", "resnet18-1.0", recipe())
    for what, content in damage.items():
        assert content != whole, what
        first.state_path.write_bytes(content)
        again = learner(tmp_path, "resnet18-1.0", recipe())
        assert again.epoch == 0, what
        assert same(again, fresh), what
    first.state_path.write_bytes(whole)
    for free in (0, 1):  # to see that it is there; and for what maps it into memory, which takes two
        with few_files(free):
            try:
                learner(tmp_path, "resnet18-1.0", recipe())
            except Unreadable as error:
                said = str(error)
        assert str(first.state_path) in said, "one that cannot be opened is not begun anew"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_steps_are_those_of_a_loop_written_out(precision: str, data: TrainingData, tmp_path: Path) -> None:
    """Nesterov's momentum as Sutskever et al. 2013 and torch have it; no decay on biases and BatchNorm."""
    settings = recipe(precision=precision, epochs=1, weight_decay=0.1, learning_rate=0.05)
    trained = learner(tmp_path, "resnet50-1.0", settings)
    model = copy.deepcopy(trained.model).train()
    bf16 = precision == "bf16"
    if bf16:
        model = model.to(memory_format=torch.channels_last)
    train([trained], None, data, settings, 3, CPU, lambda each: None)
    momentum = {name: None for name, _ in model.named_parameters()}
    order = epoch_order(3, 0, 24)
    for step in range(3):
        rows = np.sort(order[8 * step : 8 * step + 8])
        pixels = torch.from_numpy(data.images[rows]).permute(0, 3, 1, 2) / 255
        x = (views(pixels, torch.from_numpy(draws(3, 0, data.ids[rows])), 1.0) - 0.4) / 0.2
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = model(x.to(memory_format=torch.channels_last) if bf16 else x)
        loss = nn.functional.cross_entropy(logits.float(), torch.from_numpy(data.labels[rows]))
        model.zero_grad()
        loss.backward()
        rate = learning_rate(step, 3, 0.05, settings.warmup)
        with torch.no_grad():
            for name, p in model.named_parameters():
                gradient = p.grad + (0.1 * p if p.ndim > 1 else 0)
                before = momentum[name]
                momentum[name] = gradient.clone() if before is None else 0.9 * before + gradient
                p -= rate * (gradient + 0.9 * momentum[name])
    worst = {
        name: (p - dict(trained.model.named_parameters())[name]).abs().max().item()
        for name, p in model.named_parameters()
    }
    assert max(worst.values()) < (2e-3 if bf16 else 1e-5), max(worst, key=worst.__getitem__)


class Spy(nn.Module):
    """Keeps what it was shown; as large as a linear network."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(x.detach().clone())
        return self.linear(x.mean((2, 3)))


def test_teacher_and_students_see_one_view_and_the_teacher_sees_it_once(data: TrainingData, tmp_path: Path) -> None:
    settings = recipe(epochs=2, validate_every=2)
    spies = [Spy(), Spy(), Spy()]
    students = [Learner(f"s{i}", spies[i], 0.1, "", tmp_path / f"{i}", settings) for i in (1, 2)]
    train(students, spies[0].eval(), data, settings, 3, CPU, lambda each: None)
    shown = [torch.stack(spy.seen[:6]) for spy in spies]
    assert len(spies[0].seen) == 6, "3 batches, 2 epochs"
    assert torch.equal(shown[0], shown[1])
    assert torch.equal(shown[0], shown[2])
    assert not torch.equal(shown[0][:3], shown[0][3:]), "another epoch, another view"
    first = np.sort(epoch_order(3, 0, 24)[:8])
    pixels = torch.from_numpy(data.images[first]).permute(0, 3, 1, 2) / 255
    want = (views(pixels, torch.from_numpy(draws(3, 0, data.ids[first])), 1.0) - 0.4) / 0.2
    torch.testing.assert_close(shown[0][0], want)


def test_a_loss_that_is_not_a_number_names_the_cell_and_keeps_what_was_saved(
    data: TrainingData, teacher: nn.Module, tmp_path: Path
) -> None:
    good = learner(tmp_path, "resnet18-1.0", recipe())

    def interrupt(each: Learner) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go([good], teacher, data, interrupt)
    saved = good.state_path.read_bytes()
    wild = learner(tmp_path, "resnet18-1.0", recipe(learning_rate=1e30))
    assert wild.epoch == 1
    with pytest.raises(UserError, match=r"resnet18-1.0: the loss is not a number in epoch \d; lower training\.learn"):
        go([wild], teacher, data)
    assert good.state_path.read_bytes() == saved


def test_a_loss_that_looking_alike_breaks_names_its_weight_too(
    data: TrainingData, teacher: nn.Module, tmp_path: Path
) -> None:
    heavy = learner(tmp_path, "resnet18-0.25", recipe(), weight=1e30)
    with pytest.raises(
        UserError, match=r"lower λ in students\.explanation_weights \(1e\+30\) or training\.learning_rate"
    ):
        go([heavy], teacher, data)


def test_the_history_says_what_happened(data: TrainingData, teacher: nn.Module, tmp_path: Path) -> None:
    settings = recipe(epochs=5, validate_every=2)
    taught = learner(tmp_path, "resnet18-0.25", settings)
    go([taught], teacher, data)
    rows = taught.history
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert [math.isnan(row["validation_accuracy"]) for row in rows] == [True, False, True, False, False]
    for row in rows:
        assert row["loss"] == pytest.approx(0.25 * row["cross_entropy"] + 0.75 * row["divergence"], rel=1e-4)
        assert 0 <= row["train_accuracy"] <= 1
        assert row["seconds"] > 0
    x = as_input(data.validation_images, data.mean, data.std)
    with torch.no_grad():
        right = taught.model.eval()(x).argmax(1).numpy() == data.validation_labels
    assert rows[-1]["validation_accuracy"] == pytest.approx(right.mean())


def test_it_learns(data: TrainingData, tmp_path: Path) -> None:
    settings = recipe(epochs=12, learning_rate=0.05, augmentation=0.3)
    student = learner(tmp_path, "resnet18-1.0", settings)
    train([student], None, data, settings, 0, CPU, lambda each: None)
    assert student.history[-1]["cross_entropy"] < 0.5 * student.history[0]["cross_entropy"]
    assert student.history[-1]["validation_accuracy"] > 0.8


def test_a_student_comes_to_agree_with_its_teacher(data: TrainingData, teacher: nn.Module, tmp_path: Path) -> None:
    settings = recipe(epochs=8, learning_rate=0.05)
    student = learner(tmp_path, "resnet18-0.0", settings)
    go([student], teacher, data)
    assert student.history[-1]["divergence"] < 0.5 * student.history[0]["divergence"]


def alike(student: nn.Module, teacher: nn.Module, data: TrainingData) -> float:
    """The cosine of both networks' maps of the teacher's answers, on images as they are."""
    x = as_input(data.validation_images, data.mean, data.std).requires_grad_()
    classes = teacher(x).argmax(1)
    maps = [input_x_gradient(each.eval()(x), x, classes, twice=False).flatten(1) for each in (student, teacher)]
    return float(nn.functional.cosine_similarity(*maps).mean())


@pytest.fixture(scope="module")
def skilled(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> nn.Module:
    """A teacher that looks somewhere: its classes differ by a channel, so its maps have a sign."""
    settings = recipe(epochs=12, learning_rate=0.05)
    learned = learner(tmp_path_factory.mktemp("skilled"), "resnet18-1.0", settings)
    train([learned], None, data, settings, 0, CPU, lambda each: None)
    return learned.model.eval().requires_grad_(False)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_student_that_is_asked_to_comes_to_look_where_its_teacher_looks(
    precision: str, data: TrainingData, skilled: nn.Module, tmp_path: Path
) -> None:
    found = {}
    for weight in (0.0, 5.0):
        settings = recipe(epochs=24, learning_rate=0.05, precision=precision)
        student = learner(tmp_path / str(weight), "resnet18-0.1", settings, weight=weight)
        go([student], skilled, data)
        found[weight] = alike(student.model, skilled, data)
        assert ("explanation" in student.history[0]) == (weight > 0)
    first, last = student.history[0], student.history[-1]
    assert last["explanation"] < first["explanation"] - 0.1
    assert found[5.0] > found[0.0] + 0.1
    parts = 0.1 * last["cross_entropy"] + 0.9 * last["divergence"] + 5 * last["explanation"]
    assert last["loss"] == pytest.approx(parts, rel=1e-4)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_students_of_one_group_learn_to_look_by_their_own_weight(
    precision: str, data: TrainingData, teacher: nn.Module, tmp_path: Path
) -> None:
    """Beside those that explain, all others are, bit for bit, what they are alone; undistilled ones never explain."""
    asked = recipe(precision=precision, epochs=2)
    kinds = [("resnet18-1.0", 2.0), ("resnet18-0.1", 0.0), ("resnet18-0.1", 2.0), ("resnet18-0.1", 0.5)]

    def some(folder: str) -> list[Learner]:
        return [learner(tmp_path / folder / str(weight), name, asked, weight=weight) for name, weight in kinds]

    beside = some("together")
    go(beside, teacher, data)
    for alone, other in zip(some("alone"), beside, strict=True):
        go([alone], teacher, data)
        assert same(alone, other)
    assert [each.explains for each in beside] == [False, False, True, True]
    assert not any(same(a, b) for a, b in itertools.combinations(beside, 2))


def test_a_batch_larger_than_the_data_is_all_of_it(data: TrainingData, tmp_path: Path) -> None:
    settings = recipe(epochs=1, batch_size=500)
    spy = Spy()
    train([Learner("s", spy, 1.0, "", tmp_path / "s", settings)], None, data, settings, 0, CPU, lambda each: None)
    assert len(spy.seen[0]) == 24


def test_the_learning_rate_rises_in_a_line_and_falls_in_a_half_cosine() -> None:
    steps, peak = 1000, 0.08
    rates = np.array([learning_rate(step, steps, peak, 0.15) for step in range(steps)])
    assert rates[0] == pytest.approx(peak / 150)
    np.testing.assert_allclose(np.diff(rates[:150]), peak / 150)
    assert rates.argmax() == 149
    assert rates.max() == pytest.approx(peak)
    assert (np.diff(rates[149:]) < 0).all()
    np.testing.assert_allclose(rates[149:] + rates[149:][::-1], peak + rates[-1], atol=3e-3 * peak)
    assert 0 < rates[-1] < 1e-4 * peak


@pytest.mark.parametrize("warmup", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_learning_rate_is_positive_and_at_most_the_peak_however_short(warmup: float, steps: int) -> None:
    rates = [learning_rate(step, steps, 0.1, warmup) for step in range(steps)]
    assert all(0 < rate <= 0.1 + 1e-12 for rate in rates)
    assert max(rates) == pytest.approx(0.1)


def test_input_is_normalised_by_channel() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    want = ((images / 255 - np.array(mean)) / np.array(std)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(as_input(images, mean, std).numpy(), want, rtol=1e-5, atol=1e-6)
