"""The pieces of the bench on tiny networks: what it says of errors is right, and its rows are whole."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor, nn

from core import cli
from core.attribution import Prepared
from core.bench import contenders, ig, memory, subjects, tables
from core.bench.contenders import Found, Task, by_captum, held_bytes, levels, until
from core.bench.floor import convolution_floor, convolutions
from core.bench.quality import Truth, densities, hold, reference, relative_error, shares
from core.bench.record import Options, Report, Timed, environment, write_report
from core.cli import timing
from core.config import parse_config
from core.errors import UserError
from core.header import Header
from core.models import build, save_model
from core.study import Study
from tests.tiny import write_toml

SIDE = 12
GRID = np.kron(np.arange(1, 5, dtype=np.uint8).reshape(2, 2), np.ones((SIDE // 2, SIDE // 2), np.uint8))


class Quadratic(nn.Module):
    """Logit c is Σ w_c·x², whose integrated gradients are w_c·x²."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nchw,kchw->nk", x * x, self.w)


def convnet() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 6, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 4),
    )
    return model.eval().requires_grad_(False)


def noise(n: int = 1) -> Tensor:
    return torch.randn(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def task_of(model: nn.Module) -> Task:
    return Task(model, model, Prepared(model, noise()), noise(), torch.tensor([2]), GRID)


def subject_of(model: nn.Module, n: int = 2, rounds: int = 2, trained: bool = True) -> subjects.Subject:
    names = tuple(f"image {i}" for i in range(n))
    return subjects.Subject(
        "tiny", "a note", model, noise(n), torch.arange(n), np.stack([GRID] * n), names, rounds, trained
    )


def measured(subject: subjects.Subject) -> Timed:
    result = Timed(subject.name, subject.note, subject.names, subject.trained)
    ig.measure(subject, result, 64)
    return result


@pytest.mark.parametrize("intervals", [1, 7, 100])
def test_the_reference_of_a_quadratic_network(intervals: int) -> None:
    model = Quadratic().eval()
    expected = (model.w[2] * noise()[0] ** 2).sum(0).detach().numpy()
    found = reference(Prepared(model, noise()), noise(), torch.tensor([2]), intervals)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_reference_is_the_trapezoid_of_plain_gradients() -> None:
    """Also where the first layer is taken apart, and chunks do not divide the points."""
    model, image, target, shares_done = convnet(), noise(), torch.tensor([1]), []
    total = torch.zeros(3, SIDE, SIDE)
    for k in range(38):
        x = (image * (k / 37)).requires_grad_()
        total += torch.autograd.grad(model(x)[0, 1], x)[0][0] / 37 * (0.5 if k in (0, 37) else 1)
    network = Prepared(model, noise())
    assert network.stem is not None
    found = reference(network, image, target, 37, shares_done.append)
    np.testing.assert_allclose(found, (total * image[0]).sum(0), rtol=1e-4, atol=1e-6)
    assert sum(shares_done) == pytest.approx(1)
    assert len(shares_done) > 1


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [([3, 4], [3, 4], 0), ([3, 8], [3, 4], 0.8), ([0, 0], [3, 4], 1), ([0, 0], [0, 0], 0), ([1, 0], [0, 0], np.inf)],
)
def test_relative_error(found: list[float], true: list[float], expected: float) -> None:
    assert relative_error(np.array(found), np.array(true)) == pytest.approx(expected)


def test_shares_and_densities() -> None:
    values = np.array([[1.0, -3.0], [2.0, 4.0]])
    regions = np.array([[1, 1], [3, 0]])
    np.testing.assert_allclose(shares(values, regions), [0.4, np.nan, 0.2])
    np.testing.assert_allclose(densities(values, regions), [2, np.nan, 2])


def test_errors_of_a_map() -> None:
    true = np.where(GRID == 1, 1.0, 2.0)
    truth = Truth(true, GRID)
    right, double, turned = (truth.errors(m) for m in (true, -2 * true, np.where(GRID == 1, 2.0, 1.0)))
    assert (right.map, right.parts, right.density) == (0, 0, 0)
    assert (double.map, double.parts, double.density) == pytest.approx((3, 0, 1))
    # Shares are 1/7 and 2/7 three times; then 2/5 and 1/5.
    assert turned.parts == pytest.approx(np.sqrt((9 / 35) ** 2 + 3 * (3 / 35) ** 2) / (np.sqrt(13) / 7))
    assert np.isnan(turned.rank)
    five = np.minimum(np.arange(25) // 5 + 1, 5).reshape(5, 5)
    assert Truth(five**2, five).errors(five.astype(float)).rank == 1
    assert Truth(five**2, five).errors(6.0 - five).rank == pytest.approx(-1)


def test_hold() -> None:
    found = hold([0.1, 0.3, 0.2, np.nan, 0.0], [0.2, 0.2, np.nan, 0.1, 0.0])
    assert (found.count, found.held, found.worst) == (3, pytest.approx(2 / 3), pytest.approx(1.5))
    assert hold([0.1], [0.0]).worst == np.inf
    assert hold([], []).count == 0


def test_captum_well_tuned_gives_captums_default() -> None:
    model, image, target = convnet(), noise(), torch.tensor([2])
    default, tuned = by_captum(model, image, target), by_captum(model, image, target, 8)
    np.testing.assert_allclose(tuned.map, default.map, rtol=1e-3, atol=1e-6)
    assert default.points == tuned.points == 50


@pytest.mark.parametrize("stop_on", ["map", "regions"])
def test_levels_stop_where_they_are_as_right_as_wanted(stop_on: Literal["map", "regions"]) -> None:
    task = task_of(convnet())
    truth = Truth(reference(task.network, task.image, task.target), GRID)
    found, reached = levels(task, truth, stop_on, np.inf)
    assert reached == 0
    assert found[-1].points >= contenders.HOLD_POINTS[stop_on] > found[-2].points
    points = [level.points for level in found]
    assert points == sorted(set(points))
    assert points[0] == 9
    errors = [level.errors.map if stop_on == "map" else level.errors.parts for level in found]
    again, reached = levels(task, truth, stop_on, errors[2])
    assert str(again) == str(found)  # NaN is not NaN
    assert all(error > errors[2] for error in errors[:reached])
    assert errors[reached] <= errors[2]
    there = until(task, reached, stop_on)
    assert there.points == found[reached].points
    assert there.difference == pytest.approx(found[reached].difference)
    assert truth.errors(there.map).map == pytest.approx(found[reached].errors.map, rel=1e-3)
    more, reached = levels(task, truth, stop_on, -1.0)
    assert len(more) > len(found)
    assert reached == len(more) - 1


def test_rows_of_a_trained_network() -> None:
    result = measured(subject_of(convnet()))
    ways = [way for way in contenders.LABELS if way != "same_points"]
    assert len(result.runs) == 2 * 2 * len(ways)
    first, second, third, fourth = (result.runs[k : k + len(ways)] for k in range(0, 28, 7))
    assert [run.way for run in first] == [run.way for run in fourth] == ways
    assert [run.way for run in second] == [run.way for run in third] == ways[::-1]
    assert {(run.image, run.round) for run in third} == {("image 1", 0)}
    for run in result.runs:
        assert run.seconds > 0
        assert 0 <= run.errors.map < 1
        assert 0 <= run.errors.parts < 1
    points = {run.way: run.points for run in first}
    assert points["captum"] == points["captum_tuned"] == 50
    assert points["first_map"] == 9 <= min(points["equal_map"], points["equal_parts"])
    assert set(result.levels) == {"image 0", "image 1"}
    assert result.captum_batch in contenders.SIZES
    assert tables.short(result, "equal_map") == tables.short(result, "equal_parts") == 0
    assert len(tables.faster(result, "captum", "equal_map")) == 4
    maps, parts = tables.holds([result])
    assert min(maps.count, parts.count) > 2 * 3
    assert maps.count + parts.count == sum(map(len, result.levels.values()))


def test_rows_of_an_untrained_network() -> None:
    result = measured(subject_of(convnet(), n=1, rounds=1, trained=False))
    assert [run.way for run in result.runs] == ["captum", "captum_tuned", "same_points"]
    assert 40 < result.runs[-1].points <= 50
    assert all(np.isnan(run.errors.map) for run in result.runs)
    assert not result.levels


def test_captums_default_is_left_out_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders, "free_memory", lambda: 1000)
    result = measured(subject_of(convnet(), n=1, rounds=1))
    assert "captum" not in {run.way for run in result.runs}
    console = Console(width=150, record=True)
    console.print(tables.seconds_table(result))
    console.print(tables.ratios_table([result]))
    assert "does not fit into memory" in " ".join(console.export_text().split())


def test_held_bytes_grow_with_the_image_alone() -> None:
    model = nn.Sequential(nn.Conv2d(3, 5, 1), nn.Sigmoid())
    # The image, and the output of the sigmoid.
    assert held_bytes(model, noise()) == 4 * (3 + 5) * SIDE * SIDE
    assert contenders.free_memory() > 0


def test_the_floor_counts_every_convolution_once() -> None:
    network = Prepared(convnet(), noise())
    assert [(conv.out_channels, shape) for conv, shape in convolutions(network, noise())] == [(6, (8, SIDE, SIDE))]
    floor = convolution_floor(network, noise())
    assert floor.seconds > 0
    assert floor.batch == 8


def test_memory_of_a_fresh_process() -> None:
    found = memory.peak_memory("resnet18", 2, 32)
    assert 1e8 < found.bytes <= found.bytes_at_budget < 3e9
    assert found.points >= 9
    with pytest.raises(UserError, match="could not be measured"):
        memory.peak_memory("resnet18", 2, 0)


def test_strides_move_to_the_first_convolution() -> None:
    model = build("resnet50", 10, 0.0625).eval()
    first = model.layer2[0]
    assert (first.conv1.stride, first.conv2.stride) == ((1, 1), (2, 2))
    image = torch.randn(1, 3, 64, 64)
    before = model(image)
    shapes = [tuple(m(torch.randn(1, m[0].conv1.in_channels, 16, 16)).shape) for m in (model.layer2, model.layer3)]
    subjects.move_strides(model)
    assert (first.conv1.stride, first.conv2.stride) == ((2, 2), (1, 1))
    assert model.layer1[0].conv1.stride == model.layer2[1].conv1.stride == (1, 1)
    assert shapes == [
        tuple(m(torch.randn(1, m[0].conv1.in_channels, 16, 16)).shape) for m in (model.layer2, model.layer3)
    ]
    for block in model.modules():  # branches start at zero, and would hide the difference
        if hasattr(block, "bn3"):
            nn.init.ones_(block.bn3.weight)
    after = model(image)
    assert not torch.allclose(before, after)
    with pytest.raises(UserError, match="bottlenecks"):
        subjects.move_strides(build("resnet18", 10, 0.0625))


def test_photos_are_spread_and_none_was_tuned_on(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i % 2}").mkdir(exist_ok=True)
        (tmp_path / f"{i % 2}" / f"{i:02}.jpg").touch()
    (tmp_path / "notes.txt").touch()
    all_ = sorted(tmp_path.rglob("*.jpg"))
    assert subjects.find_photos(tmp_path, 100) == [path for k, path in enumerate(all_) if k != 5]
    assert len(subjects.find_photos(tmp_path, 3)) == 3
    assert not set(subjects.spread(543, 30, subjects.TUNED_PHOTOS)) & set(subjects.TUNED_PHOTOS)
    assert subjects.spread(10, 2, ()) == [2, 7]
    with pytest.raises(UserError, match=r"no \.jpg"):
        subjects.find_photos(tmp_path / "1" / "2", 3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"photos": Path()}, "--photos goes with"),
        ({"resnet50": Path("a")}, "they with --photos"),
        ({"original_strides": True}, "--original-strides is about"),
        ({"squeezenet": Path("a"), "photos": Path("nowhere")}, "no folder nowhere"),
    ],
)
def test_options_that_do_not_go_together(wrong: dict[str, Path], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Options(**wrong).check()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study of untrained networks: what the bench reads of one."""
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path / "cache"))
    tree = {
        "name": "small",
        "data": {"image_size": 32, "classes": 3, "train_images": 6, "validation_images": 3, "test_images": 6},
        "teacher": {"architecture": "resnet34"},
        "students": {
            "architectures": ["resnet34", "resnet18"],
            "alphas": [1.0, 0.5, 0.1],
            "width": 0.0625,
            "stem": "small",
        },
    }
    config = parse_config(tree, Path("small.toml"))
    folder = write_toml(tmp_path / "cache" / "studies" / "small" / "study.toml", config).parent
    study = Study(folder)
    for cell in study.cells:
        torch.manual_seed(len(cell.name))
        header = Header(cell.architecture, 0.0625, "small", study.dataset.classes, 32, (0.5,) * 3, (0.25,) * 3)
        save_model(study.path("models", cell), build(cell.architecture, 3, 0.0625, "small"), header)
    return study


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setattr(timing, "console", Console(width=150))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["core", "bench", "ig", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return (code, *capsys.readouterr())

    return run


Call = Callable[..., tuple[int, str, str]]


def test_cells_of_a_study_have_learned_from_a_teacher(small: Study) -> None:
    assert [cell.name for cell in subjects.study_cells(small)] == ["resnet34-a0.5-s0", "resnet18-a0.1-s0"]
    subject = subjects.study_subject(small, small.cell("resnet18-a0.1-s0"), 3, 1)
    assert subject.images.shape == (3, 3, 32, 32)
    assert subject.regions.shape == (3, 32, 32)
    assert len(set(subject.names)) == 3


def test_the_command(call: Call, small: Study, tmp_path: Path) -> None:
    path = tmp_path / "new" / "numbers.json"
    code, out, err = call("--study", "small", "--study-images", 1, "--intervals", 64, "--no-random", "--json", path)
    assert (code, err) == (0, "")
    for words in (
        "resnet34-a0.5-s0, 1 images",
        "Whether the error bar d holds",
        "The convolution floor",
        "--photos FOLDER",
    ):
        assert words in out
    assert re.search(r"resnet18-a0.1-s0\s+first level .*≥ 15", out)
    found = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert found["complete"] is True
    assert found["options"]["intervals"] == 64
    assert {"cores", "torch", "load_average", "load_average_after"} <= set(found["environment"])
    assert [network["name"] for network in found["networks"]] == ["resnet34-a0.5-s0", "resnet18-a0.1-s0"]
    assert len(found["networks"][0]["runs"]) == 3 * 7


def test_the_command_with_photos(call: Call, small: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An architecture's own weights, from its own file."""
    monkeypatch.setattr(subjects, "SIDE", 64)
    monkeypatch.setattr(subjects, "study_cells", lambda study: [])
    monkeypatch.setattr(ig, "study_cells", lambda study: [])
    torch.manual_seed(0)
    weights = tmp_path / "squeezenet.pth"
    torch.save(build("squeezenet1_0", 1000).state_dict(), weights)
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    Image.fromarray(np.kron(pixels, np.ones((12, 12, 1), np.uint8))).save(tmp_path / "a.jpg")
    options = ("--study", "small", "--intervals", 64, "--no-random", "--photos", tmp_path)
    code, out, err = call(*options, "--squeezenet", weights)
    assert (code, err) == (0, "")
    assert "squeezenet1_0, 1 images" in out
    assert "were not timed" not in out
    code, _, err = call(*options, "--resnet50", weights)
    assert code == 1
    assert "do not fit" in err


def test_stopping_prints_what_is_there(
    call: Call, small: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> Found:
        raise KeyboardInterrupt

    monkeypatch.setattr(ig, "random_subject", stop)
    path = tmp_path / "numbers.json"
    code, out, _ = call("--study", "small", "--study-images", 1, "--intervals", 64, "--json", path)
    assert code == 130
    assert "Stopped" in out
    assert "resnet18-a0.1-s0, 1 images" in out
    assert json.loads(path.read_text())["complete"] is False


def test_a_report_of_nothing_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(Options(resnet50=tmp_path / "a.pth"), environment())
    tables.show(report, Console(width=150))
    assert "cores" in capsys.readouterr().out
    write_report(report, tmp_path / "a.json")
    assert str(tmp_path) not in (tmp_path / "a.json").read_text()
