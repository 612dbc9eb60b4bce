"""Trials on a real Ray cluster of two nodes, one of which dies; `make test-ray` runs it in an environment that has Ray."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lossdoctor.core.config import load
from lossdoctor.core.errors import MissingExtra, UserCodeError
from lossdoctor.lab import isolate
from lossdoctor.lab.executor import Job, workload_of
from lossdoctor.lab.fit import fit
from lossdoctor.lab.journal import fingerprint

NET = """
import os, time
from torch import nn

class Net(nn.Sequential):
    pause, wrong = 0.0, False
    def forward(self, x):
        time.sleep(self.pause if self.training else 0)
        if self.wrong and self.training: os._exit(7)
        return super().forward(x)

def build(hidden=16, pause=0.0, wrong=False, trace=""):
    if trace:
        with open(trace, "a") as file: print(__file__, file=file)
    net = Net(nn.Linear(8, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 3))
    net.pause, net.wrong = pause, wrong
    return net
"""
DATA = """
import numpy as np
from pathlib import Path
X, y = (np.load(Path(__file__).parent / "data.npz")[name] for name in "Xy")
def train(): return X[:300], y[:300]
def val(): return X[300:], y[300:]
"""
MAKE = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 8)).astype("float32")
np.savez("data.npz", X=X, y=(X @ rng.normal(size=(8, 3))).argmax(1))
"""


def write(folder: Path, name: str = "config.yaml", probing: str = "", **args: object) -> Path:
    (folder / "net.py").write_text(NET)
    (folder / "data.py").write_text(DATA)
    (folder / ".gitignore").write_text("*.npz\n")
    subprocess.run([sys.executable, "-c", MAKE], cwd=folder, check=True)
    path = folder / name
    path.write_text(
        f"model: {{factory: net.py:build, args: {json.dumps(args)}}}\ndata: {{train: data.py:train, val: data.py:val}}\n"
        "training: {optimizer: {name: sgd, lr: 1.0e-5}, epochs: 40, batch_size: 32}\n"
        f"probe: {{device: cpu, budget: 10m, families: [learning_rate]{probing}}}\n"
    )
    return path


def command(config: Path) -> list[str]:
    return [sys.executable, "-m", "lossdoctor", "probe", str(config), "--format", "json"]


def test_without_ray_a_sentence_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"ray is not installed; run: pip install 'lossdoctor\[ray\]'"):
        isolate.start(load(write(tmp_path, probing=", executor: ray")), None)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes of one CPU each; ``second`` can be killed, and ``client`` is the port for ray:// addresses."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "ray_client_server_port": port})
    nodes.client, nodes.second = f"ray://127.0.0.1:{port}", nodes.add_node(num_cpus=1)
    try:
        yield nodes
    finally:
        nodes.shutdown()


@pytest.mark.slow
def test_a_job_whose_node_dies_is_done_anew_elsewhere_and_comes_out_the_same(cluster, tmp_path: Path) -> None:
    path = write(tmp_path, probing=f", executor: ray, address: '{cluster.address}'")
    file = load(path)
    executor = isolate.start(file, "cpu")
    try:
        assert executor.width == 2
        workload = workload_of(file.values, str(path), "cpu")
        executor.ready(fingerprint(workload))
        executor.tempo()
        while len(executor._loaded()) < 2:
            time.sleep(0.1)
        jobs = [Job({"model.args.pause": 0.02}, seed, 200, 40, 400) for seed in (1, 2)]
        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(executor.run, job) for job in jobs]
            time.sleep(1.5)
            cluster.remove_node(cluster.second, allow_graceful=False)
            outcomes = [each.result() for each in running]
        assert [outcome.error for outcome in outcomes] == [None, None]
        assert len(executor._loaded()) == 1
        assert [outcome.rows for outcome in outcomes] == [fit(workload, seed, 400, 40).rows[:5] for seed in (1, 2)]
        assert executor.run(Job({"model.args.pause": 0.02}, 1, 400, 40, 400)).taken == 200  # what was begun is taken up again
        wrong = executor.run(Job({"model.args.wrong": True}, 1, 40, 40, 400))
        assert "exit status 7" in (wrong.error or "")  # the trial's fault, not the node's
    finally:
        executor.close()


@pytest.mark.slow
def test_a_probe_that_loses_a_node_prescribes_what_a_local_one_does(cluster, tmp_path: Path) -> None:
    local = write(tmp_path, "local.yaml", pause=0.002)
    here = json.loads(subprocess.run(command(local), capture_output=True, text=True, check=True).stdout)
    trace = tmp_path / "trace"
    config = write(tmp_path, "config.yaml", f", executor: ray, address: '{cluster.client}'", pause=0.002, trace=str(trace))
    process = subprocess.Popen(command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    cache = tmp_path / ".lossdoctor_cache"
    while process.poll() is None and sum(len(file.read_text().splitlines()) for file in cache.glob("config-*.jsonl")) < 3:
        time.sleep(0.05)
    assert process.poll() is None, process.stderr.read()[-3000:]
    cluster.remove_node(cluster.second, allow_graceful=False)
    out, err = process.communicate()
    assert process.returncode == 0, err
    there = json.loads(out)
    assert there["prescription"].pop("config") != here["prescription"].pop("config")
    assert there["prescription"] == here["prescription"]
    places = {Path(line).parent for line in trace.read_text().splitlines()} - {tmp_path}
    assert places, "the nodes have read the files that lie here, not those that were brought to them"


@pytest.mark.slow
def test_what_is_wrong_with_cluster_or_files_is_one_sentence(cluster, tmp_path: Path) -> None:
    for address in ("ray://127.0.0.1:1", "127.0.0.1:1"):
        begin = time.monotonic()
        done = subprocess.run(
            command(write(tmp_path, probing=f", executor: ray, address: '{address}'")), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert f"no Ray cluster to be used at '{address}'" in done.stderr
        assert "Traceback" not in done.stderr
        assert time.monotonic() - begin < 60
    inner = tmp_path / "inner"
    inner.mkdir()
    config = write(inner, probing=f", executor: ray, address: '{cluster.address}'")
    (inner / "net.py").rename(tmp_path / "net.py")
    config.write_text(config.read_text().replace("net.py", "../net.py"))
    file = load(config)
    executor = isolate.start(file, "cpu")
    try:
        with pytest.raises(UserCodeError, match=r"there is no file \.\./net\.py.*probe\.shared"):
            executor.ready(fingerprint(workload_of(file.values, str(config), "cpu")))
    finally:
        executor.close()
