"""Ray clusters of several nodes on this machine, and what befalls them while a study is run there.

`python -m tests.nodes` kills a node in every stage of a study, and then, of another, the run itself at random moments;
it says how many kills there were, and fails where a bit differs from what one machine makes.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import psutil
from ray.cluster_utils import Cluster

from core.run.complete import run_study
from core.run.loop import Progress
from core.study import Study
from tests.same import same_numbers
from tests.tiny import tiny_config, write_toml

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
        self.gone: list[Any] = []

    def want(self, count: int) -> None:
        """Add nodes until there are so many."""
        while len(self.nodes) < count:
            self.nodes.append(self.cluster.add_node(num_cpus=1, object_store_memory=MEMORY))

    def busy(self) -> list[tuple[str, Any]]:
        """Return what nodes are at, by the names of their processes."""
        found = []
        for node in list(self.nodes):
            raylet = Path(f"/proc/{node.all_processes['raylet'][0].process.pid}")
            # Of all threads; psutil would look at every process of the system, and often.
            for children in raylet.glob("task/*/children"):
                with suppress(OSError):
                    for pid in children.read_text().split():
                        found.append((Path(f"/proc/{pid}/cmdline").read_text(), node))
        return found

    def at(self, task: str) -> Any:
        """Return the node that is at a task whose name begins so, None where none is."""
        return next((node for name, node in self.busy() if name.startswith(f"ray::{task}")), None)

    def signal(self, node: Any, number: int) -> None:
        """Send every process of a node a signal, as a power cut or a lost network would be felt."""
        for process in processes(node):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self, node: Any) -> None:
        self.signal(node, signal.SIGKILL)
        self.nodes.remove(node)
        self.gone.append(node)

    def bury(self) -> None:
        """Let the cluster's helper know of what was killed."""
        while self.gone:
            self.cluster.remove_node(self.gone.pop(), allow_graceful=False)


def processes(node: Any) -> list[psutil.Process]:
    with suppress(psutil.Error):
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        return [raylet, *raylet.children(recursive=True)]
    return []


class Killer(threading.Thread):
    """Watches a run, and does something to the node that is at a task, once that has told a word."""

    def __init__(self, nodes: Nodes, least: int, *moments: tuple[str, str, Callable[[Any], None]]) -> None:
        super().__init__(daemon=True)
        self.least = least
        self.nodes, self.moments = nodes, list(moments)
        self.words: list[tuple[str, str]] = []
        self.met: list[tuple[int, str, str]] = []

    def __call__(self, progress: Progress) -> None:
        """In the main thread, which alone can start nodes."""
        self.words += [said for said in progress.running.items() if said not in self.words[-10:]]
        self.nodes.bury()
        self.nodes.want(self.least)

    def run(self) -> None:
        while self.moments:
            for name, node in self.nodes.busy():
                moment = next((each for each in self.moments if name.startswith(f"ray::{each[0]}")), None)
                if moment is None:
                    continue
                begins, said, act = moment
                told = [(task, word) for task, word in self.words if task.startswith(begins) and re.match(said, word)]
                if told or not said:
                    self.moments.remove(moment)
                    self.met.append((len(self.words), *(told[-1] if told else ("", ""))))
                    act(node)
                    break
            time.sleep(0.03)

    def next_epoch(self, count: int, task: str) -> int:
        """Return the first epoch that a task told after so many words; past the last where it told none."""
        told = (word for name, word in self.words[count:] if name == task and word.startswith("epoch"))
        return int(next(told, "epoch 5").split()[1])


class Frost:
    """Cuts a node off for a while: it is thought dead, and speaks again."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes, self.frozen = nodes, list[Any]()

    def freeze(self, node: Any) -> None:
        self.nodes.signal(node, signal.SIGSTOP)
        self.nodes.nodes.remove(node)
        self.frozen.append(node)

    def thaw(self, node: Any) -> None:
        self.nodes.signal(self.frozen[0], signal.SIGCONT)

    def end(self) -> None:
        self.nodes.cluster.remove_node(self.frozen.pop(), allow_graceful=False)


def every_stage(nodes: Nodes, cache: Path) -> tuple[int, Study]:
    """Run a study of which each stage loses its node, one of them for a while; return how many were lost."""
    frost = Frost(nodes)
    moments = (
        ("train resnet34-a1.0", "epoch", nodes.kill),
        ("train 2 together", "epoch", nodes.kill),
        ("explain resnet34-a1.0", "", frost.freeze),
        ("explain resnet34-a0.1", "", frost.thaw),
        ("explain resnet18-a0.1", "", nodes.kill),
        ("predict", "", nodes.kill),
        ("measure", "", nodes.kill),
        ("time", "", nodes.kill),
        ("conclude", "", nodes.kill),
    )
    nodes.want(1)
    killer = Killer(nodes, 1, *moments)
    killer.start()
    os.environ["WHERE_MODELS_LOOK_CACHE"] = str(cache)
    study = run_study(tiny_config(), device="cpu", on_progress=killer, cluster=nodes.address)
    frost.end()
    if killer.moments:
        raise SystemExit(f"nobody was met at {[begins for begins, _, _ in killer.moments]}")
    return len(moments) - 1, study


def runs(nodes: Nodes, cache: Path, chance: random.Random) -> tuple[int, Study]:
    """Run a study whose run is killed again and again, each time after longer; return how often it was."""
    nodes.bury()
    nodes.want(1)
    toml = write_toml(cache / "small.toml", tiny_config())
    command = [sys.executable, "-m", "core", "run", str(toml), "--device", "cpu", "--cluster", nodes.address]
    environment = {**os.environ, "WHERE_MODELS_LOOK_CACHE": str(cache)}
    kills = 0
    while True:
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                said, _ = process.communicate(timeout=(3 + kills) * (1 + chance.random()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                continue
        if process.returncode:
            raise SystemExit(f"it did not come to its end:\n{said.decode()}")
        return kills, Study(cache / "studies" / "small")


def main() -> None:
    """Kill, go on, compare."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--turns", type=int, default=1, help="how often a study loses its nodes, and another its run")
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    chance, start = random.Random(options.seed), time.monotonic()
    lost = killed = 0
    with tempfile.TemporaryDirectory() as folder:

        def like(study: Study, undisturbed: Study) -> None:
            if study.damaged() or (study.folder / "state").exists():
                raise SystemExit(f"{study.folder} is not as a run leaves it")
            same_numbers(study, undisturbed)

        os.environ["WHERE_MODELS_LOOK_CACHE"] = str(Path(folder, "undisturbed"))
        undisturbed = run_study(tiny_config(), device="cpu")
        nodes = Nodes()
        try:
            for turn in range(options.turns):
                count, study = every_stage(nodes, Path(folder, f"nodes{turn}"))
                like(study, undisturbed)
                lost += count
                print(f"{time.monotonic() - start:5.0f} s  {lost} nodes lost, in every stage", flush=True)
                count, study = runs(nodes, Path(folder, f"runs{turn}"), chance)
                like(study, undisturbed)
                killed += count
                print(f"{time.monotonic() - start:5.0f} s  {killed} runs killed", flush=True)
        finally:
            nodes.cluster.shutdown()
    print(f"{lost} nodes and {killed} runs ended, seed {options.seed}: all went on to the bits of one machine.")


if __name__ == "__main__":
    main()
