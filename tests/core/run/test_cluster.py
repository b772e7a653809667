"""A study on a real Ray cluster of several nodes, killed in every stage: the bits are those of one machine."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import psutil
from ray.cluster_utils import Cluster

from core.run.begin import begin
from core.run.cluster import joined
from core.run.complete import run_study
from core.run.loop import Progress
from core.run.plan import plan
from core.run.recipe import keys
from core.study import Study
from core.train_together import train_together
from tests.same import same_numbers
from tests.tiny import tiny_config

STUDENT = "resnet18-a0.1-s0"
SOON = {f"health_check_{name}_ms": 400 for name in ("initial_delay", "period", "timeout")}
MEMORY = 80 * 2**20


class Nodes:
    """A cluster whose head computes nothing, and nodes of one core each."""

    def __init__(self) -> None:
        system = {**SOON, "health_check_failure_threshold": 8}
        head = {"num_cpus": 0, "object_store_memory": MEMORY, "include_dashboard": False, "_system_config": system}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address: str = self.cluster.address
        self.nodes: list[Any] = []

    def want(self, count: int) -> None:
        """Add nodes until there are so many."""
        while len(self.nodes) < count:
            self.nodes.append(self.cluster.add_node(num_cpus=1, object_store_memory=MEMORY))

    def at(self, task: str) -> Any:
        """Return the node that is at a task, None where none is."""
        for node in self.nodes:
            for process in processes(node):
                try:
                    if " ".join(process.cmdline()).startswith(f"ray::{task}"):
                        return node
                except psutil.Error:
                    continue
        return None

    def signal(self, node: Any, number: int) -> None:
        """Send every process of a node a signal, as a power cut or a lost network would be felt."""
        for process in processes(node):
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue

    def kill(self, node: Any) -> None:
        self.signal(node, signal.SIGKILL)
        self.cluster.remove_node(node, allow_graceful=False)
        self.nodes.remove(node)


def processes(node: Any) -> list[psutil.Process]:
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return [raylet, *raylet.children(recursive=True)]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    found = Nodes()
    yield found
    found.cluster.shutdown()


class Killer:
    """Watches a run, and kills the node that is at a task, once that tells a word, with what is given."""

    def __init__(self, nodes: Nodes, *moments: tuple[str, str]) -> None:
        self.nodes, self.moments = nodes, list(moments)
        self.words: list[tuple[str, str]] = []
        self.killed: list[tuple[int, str, str]] = []

    def __call__(self, progress: Progress) -> None:
        for task, word in progress.running.items():
            if (task, word) not in self.words[-10:]:
                self.words.append((task, word))
            for begins, said in self.moments:
                if task.startswith(begins) and re.match(said, word) and (node := self.nodes.at(task)):
                    self.moments.remove((begins, said))
                    self.killed.append((len(self.words), task, word))
                    self.nodes.want(len(self.nodes.nodes) + 1)
                    self.nodes.kill(node)
                    return

    def next_epoch(self, count: int, task: str) -> int:
        """Return the first epoch that a task told after so many words; past the last where it told none."""
        told = (word for name, word in self.words[count:] if name == task and word.startswith("epoch"))
        return int(next(told, "epoch 5").split()[1])


def test_nodes_killed_in_every_stage_leave_the_same_bits(
    nodes: Nodes, ran: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is replaced by a new one, which is used: in the end none is there that was there in the beginning."""
    monkeypatch.setenv("WHERE_MODELS_LOOK_CACHE", str(tmp_path))
    nodes.want(1)
    moments = [
        ("train resnet34-a1.0", "epoch [123]"),
        ("train 2 together", "epoch [123]"),
        ("predict", ""),
        ("explain", ""),
        ("measure", ""),
        ("time", "timing"),
        ("conclude", ""),
    ]
    killer, notes = Killer(nodes, *moments), list[str]()
    study = run_study(tiny_config(), device="cpu", on_progress=killer, on_note=notes.append, cluster=nodes.address)
    assert len(killer.killed) == len(moments)
    for count, task, word in killer.killed[:2]:
        assert killer.next_epoch(count, task) > int(word.split()[1]), "it went on after the last epoch that was told"
    host = socket.gethostname()
    assert notes[0] == "The cluster has 1 core on 1 machine."
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
    train_together(2, study.folder, *task.args, lambda share, word: None)
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
                        nodes.want(2)
    assert killed
    assert error == [None]
    assert [path.read_bytes() for path in names] == want
