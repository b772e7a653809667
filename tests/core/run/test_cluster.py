"""A study on a real Ray cluster of several nodes, some of which are lost: the bits are those of one machine."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

from core import train_together as together
from core.errors import UserError
from core.manifest import read_manifest, write_manifest
from core.run import cluster as station
from core.run.begin import begin
from core.run.cluster import joined
from core.run.complete import run_study
from core.run.plan import plan
from core.run.recipe import keys
from core.store import sha256_file
from core.study import Study
from tests.forks import forks
from tests.nodes import Frost, Killer, Nodes
from tests.same import same_numbers
from tests.tiny import tiny_config, write_toml

STUDENT = "resnet18-a0.1-s0"
TAUGHT = ("resnet34-a0.1-s0", STUDENT)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    found = Nodes()
    yield found
    found.cluster.shutdown()


def test_nodes_that_are_lost_are_replaced_and_leave_the_same_bits(nodes: Nodes, ran: Study, ran_copy: Study) -> None:
    """Of every stage that students go through but the last two; in all of them, and of the teacher: `tests.nodes`."""
    for kind in ("models", "history", "logits", "importance", "measures", "parts"):
        for name in TAUGHT:
            ran_copy.path(kind, name).unlink()
    nodes.want(1)
    frost = Frost(nodes)
    killer = Killer(
        nodes,
        1,
        ("train 2 together", "epoch", nodes.kill),
        ("explain resnet34-a0.1", "", frost.freeze),
        ("explain resnet18-a0.1", "", frost.thaw),
        ("measure", "", nodes.kill),
    )
    killer.start()
    notes: list[str] = []
    study = run_study(tiny_config(), device="cpu", on_progress=killer, on_note=notes.append, cluster=nodes.address)
    frost.end()
    assert killer.moments == []
    count, task, word = killer.met[0]
    assert killer.next_epoch(count, task) >= int(word.split()[1]), "it went on from the last epoch that was told"
    host = socket.gethostname()
    assert notes[0] == f"The cluster at {nodes.address} has 1 core on 1 machine."
    assert f"{host} has left the cluster; what it was at goes on elsewhere." in notes
    assert f"{host} has joined the cluster." in notes
    assert {word.rpartition(", ")[2] for _, word in killer.words if word.startswith("epoch")} == {f"on {host}"}
    assert study.damaged() == []
    assert not (study.folder / "state").exists()
    same_numbers(study, ran)


def test_cells_trained_by_processes_on_two_machines_one_of_which_is_killed(
    nodes: Nodes, ran_copy: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are what two processes of one machine make, bit for bit."""
    config = tiny_config(training={"processes": 2})
    study = begin(config, ran_copy.folder, ran_copy.provenance)
    wanted = dict.fromkeys(keys(study), "a key")
    names = [study.path("models", name) for name in ("resnet34-a0.1-s0", STUDENT)]
    missing = {path.relative_to(study.folder).as_posix() for path in names}
    (task,) = (each for each in plan(study, wanted, missing, "cpu", 2) if each.devices == 2)
    monkeypatch.setattr(together, "get_context", lambda way: forks())
    together.train_together(2, study.folder, *task.args, lambda share, word: None)
    want = [path.read_bytes() for path in names]
    for path in [*names, *(study.folder / "state").glob("*.safetensors")]:
        path.unlink()
    nodes.want(2)
    killed, error = False, list[BaseException | None]()
    with joined(nodes.address, "cpu", lambda sentence: None) as machines:
        machines.provenance(config, "birds")
        with machines.executor(study, [task]) as executor:
            executor.submit(task)
            while not error:
                error = [failed for _, failed in executor.finished(0.1)]
                for _, _, word in executor.heard():
                    if word.startswith("epoch 2") and not killed:
                        killed = True
                        nodes.kill(nodes.at("_follow"))
                        nodes.bury()
                        nodes.want(2)
    assert killed
    assert error == [None]
    assert [path.read_bytes() for path in names] == want


def test_a_run_that_is_killed_goes_on(
    nodes: Nodes, ran: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    nodes.want(1)
    toml = write_toml(tmp_path / "small.toml", tiny_config())
    folder = tmp_path / "studies" / "small"
    command = [sys.executable, "-m", "core", "run", str(toml), "--device", "cpu", "--cluster", nodes.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 300
        while not list(folder.glob("state/*.safetensors")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)
        process.kill()
        said, errors = process.communicate()
    assert errors == ""
    lines = said.splitlines()
    assert re.match(r"The cluster at \S+:\d+ has \d+ cores? on \d+ machines?\.", lines[0])
    assert all(re.match(r" *\d+% in ", line) for line in lines[1:]), said
    study = run_study(tiny_config(), device="cpu", cluster=nodes.address)
    assert study.damaged() == []
    same_numbers(study, ran)


def test_a_cell_that_fails_is_named_and_the_others_are_finished(nodes: Nodes, ran_copy: Study) -> None:
    nodes.want(1)
    path = ran_copy.path("logits", STUDENT)
    path.write_bytes(b"damaged")
    found = read_manifest(ran_copy.folder)
    found.files[path.relative_to(ran_copy.folder).as_posix()]["sha256"] = sha256_file(path)
    write_manifest(ran_copy.folder, found)
    said = f"measure {STUDENT} failed: on {socket.gethostname()}: {path} is damaged"
    before = ran_copy.manifest
    with pytest.raises(UserError, match=f"^{re.escape(said)}"):
        run_study(tiny_config(measure={"top_k": 3}), device="cpu", cluster=nodes.address)
    after = Study(ran_copy.folder).manifest
    for cell in ran_copy.measured:
        name = ran_copy.path("measures", cell).relative_to(ran_copy.folder).as_posix()
        assert (name in after and after[name] != before[name]) == (cell.name != STUDENT)


def test_without_any_machine_left_it_ends_in_a_sentence(
    nodes: Nodes, ran_copy: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "PATIENCE", 1.0)
    nodes.want(1)
    killer = Killer(nodes, 0, ("measure", "", lambda node: [nodes.kill(each) for each in list(nodes.nodes)]))
    killer.start()
    with pytest.raises(UserError, match="no machine to compute on for 1 s; what was finished is kept, and the same"):
        run_study(tiny_config(measure={"top_k": 4}), device="cpu", on_progress=killer, cluster=nodes.address)


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("Token authentication is enabled but no authentication token was found. Ensure that", "is no word in ~/.ray/"),
        ("Token authentication is enabled but the authentication token is invalid", "does not let this run in. If it"),
        ("Could not find any running Ray instance. Please", "is part of no Ray cluster. One is begun with: ray start"),
        ("Found multiple active Ray instances: {'a', 'b'}.", "is part of several Ray clusters; say of which"),
        ("Failed to connect to Ray cluster at 10.0.0.1:1", "does not let this run in. If it was begun with RAY_AUTH_"),
    ],
)
def test_why_a_cluster_cannot_be_joined(why: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise (RuntimeError if why.startswith("Token") else ConnectionError)(why)

    monkeypatch.setattr(station.ray, "init", refuse)
    with pytest.raises(UserError, match=re.escape(said)), joined("auto", "cpu", print):
        pass


def test_a_cluster_without_a_gpu(nodes: Nodes) -> None:
    nodes.bury()
    nodes.want(1)
    with pytest.raises(UserError, match="The cluster has no GPU; use --device cpu"):
        run_study(tiny_config(), device="cuda", cluster=nodes.address)
