"""The script for sbatch, run by bash with stand-ins for Slurm, Ray and Python, which write down what they do."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import UserError
from core.run import slurm

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
JOB, PORT = 7003, 10000 + 2 * (7003 - 5000)
STAND_INS = {
    "scontrol": 'echo "scontrol $*" >> log; [ "$1" = requeue ] || printf "one\\ntwo\\nthree\\n"',
    "hostname": 'echo "10.0.0.1 192.168.0.1 fe80::1 "',
    "rm": 'echo "rm $*" >> log',
    "sleep": "exec /bin/sleep 0.05",
    # What comes after the options is a program, which it runs and passes signals on to.
    "srun": 'echo "srun $*" >> log; while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
    "ray": """trap 'echo "ended $3" >> log; exit 0' TERM
        echo "ray $* token ${#RAY_AUTH_TOKEN} $RAY_AUTH_MODE" >> log
        [ "$1" = status ] && { [ -e asked ] && exit 0; touch asked; exit 1; }
        while :; do /bin/sleep 0.05; done""",
    "python": """trap 'echo interrupted >> log; exit 130' INT
        printf '<%s>' "$@" >> log; echo >> log
        until grep -q '^ray start --address' log && [ ! -e wait ]; do /bin/sleep 0.05; done; exit $(cat code)""",
}


@pytest.fixture
def allocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stand-ins, which is project and home of Python alike."""
    for name, text in STAND_INS.items():
        path = tmp_path / name
        path.write_text(f"#!/usr/bin/env bash\n{text}\n")
        path.chmod(0o755)
    (tmp_path / "code").write_text("0")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(slurm, "ROOT", tmp_path)
    return tmp_path


def begun(folder: Path, study: str = "quick") -> "subprocess.Popen[bytes]":
    path = folder / "job.sh"
    path.write_text(slurm.script(study, nodes=3, cpus=4, gpus=2, hours=1.5))
    given = {"SLURM_JOB_ID": str(JOB), "SLURM_JOB_NODELIST": "[one-three]", "SLURM_CPUS_PER_TASK": "4"}
    return subprocess.Popen(["bash", str(path)], env={**os.environ, **given}, stderr=subprocess.PIPE)


def log(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines() if (folder / "log").exists() else []


def seen(folder: Path, word: str) -> None:
    end = time.monotonic() + 60
    while not any(line.startswith(word) for line in log(folder)):
        assert time.monotonic() < end, log(folder)
        time.sleep(0.02)


@pytest.mark.parametrize("code", [0, 3])
def test_it_starts_ray_runs_the_study_ends_ray_and_says_how_it_went(code: int, allocation: Path) -> None:
    (allocation / "code").write_text(str(code))
    job = begun(allocation)
    _, said = job.communicate(timeout=60)
    assert job.returncode == code, said
    lines = log(allocation)
    own = f"--num-cpus=4 --num-gpus=2 --dashboard-agent-listen-port={PORT + 1}"
    head = f"ray start --head --node-ip-address=10.0.0.1 --port={PORT}"
    heads = [line for line in lines if line.startswith("ray start --head")]
    assert len(heads) == 1
    assert heads[0].startswith(f"{head} --include-dashboard=false --temp-dir=/tmp/ray-{JOB} {own}")
    assert heads[0].endswith("--block token 64 token"), "nobody without it is let in"
    (others,) = (line for line in lines if line.startswith("srun") and "ray start --address" in line)
    wanted = f"srun --overlap --nodes=2 --ntasks=2 --exclude=one ray start --address=10.0.0.1:{PORT} {own}"
    assert others.startswith(wanted)
    assert f"<-m><core><run><--cluster><10.0.0.1:{PORT}><--><quick>" in lines
    order = [lines.index(heads[0]), lines.index(others), next(i for i, each in enumerate(lines) if each[0] == "<")]
    answered = max(i for i, each in enumerate(lines) if each.startswith("ray status"))
    assert order[0] < answered < order[1]
    assert sum(line.startswith("ray status") for line in lines) == 2, "until it answers"
    assert {line for line in lines if line.startswith("ended")} == {
        "ended --node-ip-address=10.0.0.1",
        f"ended {own.split()[0]}",
    }
    assert lines[-2:] == [f"srun --overlap --nodes=3 --ntasks=3 rm -rf -- /tmp/ray-{JOB}", f"rm -rf -- /tmp/ray-{JOB}"]
    assert not any("requeue" in line for line in lines)


@pytest.mark.parametrize(
    ("number", "code", "again"), [(signal.SIGUSR1, 130, True), (signal.SIGTERM, 143, False)], ids=["time", "cancelled"]
)
def test_when_its_time_is_over_the_study_goes_on_in_the_next_job_and_when_it_is_cancelled_it_does_not(
    number: int, code: int, again: bool, allocation: Path
) -> None:
    (allocation / "wait").touch()
    job = begun(allocation)
    seen(allocation, "<-m>")
    seen(allocation, "ray start --address")
    os.kill(job.pid, number)
    _, said = job.communicate(timeout=60)
    assert job.returncode == code, said
    lines = log(allocation)
    assert ("interrupted" in lines) == again, "which lets it say that it was stopped"
    assert sum(line.startswith("ended") for line in lines) == 2
    assert (lines[-1] == f"scontrol requeue {JOB}") == again


def test_a_run_that_is_done_when_its_time_is_over_is_not_begun_again(allocation: Path) -> None:
    (allocation / "python").write_text((allocation / "python").read_text().replace("exit 130", "exit 0"))
    (allocation / "wait").touch()
    job = begun(allocation)
    seen(allocation, "<-m>")
    os.kill(job.pid, signal.SIGUSR1)
    job.communicate(timeout=60)
    assert job.returncode == 0
    assert not any("requeue" in line for line in log(allocation))


def test_ray_that_does_not_start_is_one_sentence(allocation: Path) -> None:
    (allocation / "ray").write_text("#!/usr/bin/env bash\nexit 1\n")
    job = begun(allocation)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 1
    assert said.decode().splitlines()[-1] == "Ray did not start on one; what it wrote is above."


def test_words_are_words(allocation: Path) -> None:
    """Whatever a study is called: it reaches Python as it is, and the shell does nothing of it."""
    wild = "it's $(touch made) `touch made`; touch made #\n\"&&\\ é"
    job = begun(allocation, wild)
    job.communicate(timeout=60)
    assert job.returncode == 0
    assert f"<--><{wild}>" in (allocation / "log").read_text()
    assert not (allocation / "made").exists()


def test_slurms_own_lines_hold_nothing_but_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = slurm.script("quick", 2, 16, 0, 0.75, "gpu_a100,short", "proj-7").splitlines()
    asked = [line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")]
    assert asked[3:] == [
        "nodes=2",
        "ntasks-per-node=1",
        "cpus-per-task=16",
        "time=0:45:00",
        "partition=gpu_a100,short",
        "account=proj-7",
        "requeue",
    ]
    assert lines[1 : 1 + len(asked)] == [f"#SBATCH --{each}" for each in asked], "sbatch reads none after a command"
    for wild in ("a b", "a\n#SBATCH --uid=root", "-x", "a;b"):
        with pytest.raises(UserError, match="--partition is a word of Slurm's"):
            slurm.script("quick", partition=wild)
    monkeypatch.chdir(tmp_path)
    assert f"study={tmp_path / 'own.toml'}" in slurm.script("own.toml").splitlines()
