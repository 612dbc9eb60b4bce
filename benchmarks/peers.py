"""torch-audit and torchmortem on the cases of examine.py: their findings while each case is trained as configured, up to 300 steps.

    python benchmarks/peers.py [--set test|development|later|third|fourth|fifth|all]    under its own interpreter: make benchmark-examine

Neither names a family, so each of their rules counts for every family that it could mean, and findings rank by severity, then as given.
Rules of torch-audit about hardware and style are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import torch
import torch_audit
import torchmortem
from cases.sets import EVERY, lay_out
from cases.table import Case

from lossdoctor.core.config import load
from lossdoctor.core.errors import LossDoctorError
from lossdoctor.lab.fit import Schedule, stream
from lossdoctor.lab.workload import Workload

STEPS = 300
AUDIT = {"INFO": 0, "WARN": 1, "ERROR": 2, "FATAL": 3}
Found = list[tuple[int, str]]  # severity, 0 the worst, and rule
MEANS: dict[str, set[str]] = {
    "TA100": {"numerics", "gradient", "preprocessing", "learning_rate"},
    "TA102": {"gradient", "learning_rate", "initialization", "preprocessing"},
    "TA103": {"activation", "initialization"},
    "TA104": {"frozen_parameters"},
    "TA105": {"activation", "normalization", "initialization"},
    "TA301": {"preprocessing"},
    "TA302": {"preprocessing"},
    "TA303": {"preprocessing"},
    "TA304": {"normalization", "batch_size"},
    "TA305": {"preprocessing", "labels"},
    "TA401": {"optimizer", "regularization"},
    "TA402": {"regularization"},
    "TA403": {"regularization"},
    "TA405": {"initialization", "activation"},
    "TA500": {"frozen_parameters"},
    "gradient_flow": {"gradient", "activation", "initialization", "normalization"},
    "dead_units": {"activation", "initialization", "learning_rate"},
    "saturation": {"activation", "initialization", "preprocessing"},
    "update_ratio": {"learning_rate", "optimizer"},
    "loss_dynamics": {"learning_rate", "optimizer", "early_stopping"},
    "rank_collapse": {"capacity", "activation", "initialization"},
    "weight_norm": {"regularization", "initialization", "learning_rate"},
    "gradient_noise": {"batch_size", "learning_rate"},
}


def steps(workload: Workload, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[float]:
    """Train as configured; the loss of each step, after the update."""
    schedule = Schedule(optimizer, workload.config.training.scheduler, workload)
    for batch in stream(workload, workload.config.training.seed, min(STEPS, workload.steps)):
        optimizer.zero_grad(set_to_none=True)
        loss = workload.loss(model, batch)[0]
        loss.backward()
        optimizer.step()
        schedule.batch()
        yield float(loss.detach())


def audit(workload: Workload) -> Found:
    """What torch-audit says, patched into the loop; every tenth step is audited."""
    model = workload.build(workload.config.training.seed).train()
    optimizer = workload.optimizer(model)
    auditor = torch_audit.autopatch(
        model, optimizer=optimizer, every_n_steps=10, reporters=[], fail_level="FATAL", suppress_internal_errors=True
    )
    for _ in steps(workload, model, optimizer):
        pass
    return [(-AUDIT[f.severity.value], f.rule_id) for f in auditor.finish(report=False).findings]


def autopsy(workload: Workload) -> Found:
    """What torchmortem says, wrapped around the loop."""
    model = workload.build(workload.config.training.seed).train()
    optimizer = workload.optimizer(model)
    with torchmortem.Autopsy(model, optimizer=optimizer) as patient:
        for loss in steps(workload, model, optimizer):
            patient.step(loss=loss)
    report = patient.get_report()
    return [(-int(f.severity), f.category) for f in report.findings] if report else []


PEERS: dict[str, tuple[Callable[[Workload], Found], int]] = {"torch-audit": (audit, -1), "torchmortem": (autopsy, -1)}


def judge(case: Case, peer: Callable[[Workload], Found]) -> Found | None:
    """The findings on a case, the worst first and each rule once; None where the peer fails on it."""
    with tempfile.TemporaryDirectory() as scratch:
        config = lay_out(case, Path(scratch))
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = sorted(peer(Workload.load(load(config))), key=lambda f: f[0])
        except (LossDoctorError, Exception) as error:  # whatever it raises, it does not accept the case
            print(f"{case.name}: {type(error).__name__}: {str(error)[:80]}", file=sys.stderr)
            return None
    return list({rule: (level, rule) for level, rule in reversed(found) if rule in MEANS}.values())[::-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="test")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases = [c for c in EVERY if options.set in ("all", c.set)]
    print(f"{'':14}{'accepted':>10}{'family first':>14}{'first three':>13}{'sound: warned':>15}")
    for name, (peer, loud) in PEERS.items():
        met = [(case, found) for case in cases if (found := judge(case, peer)) is not None]
        ill = [(case, [r for _, r in found]) for case, found in met if case.families and case.families[0] != "early_stopping"]
        ranks = [next((at for at, rule in enumerate(rules) if MEANS.get(rule, set()) & set(case.families)), 99) for case, rules in ill]
        sound = [found for case, found in met if not case.families]
        alarms = sum(any(level <= loud for level, _ in found) for found in sound)
        first, three = sum(rank == 0 for rank in ranks), sum(rank < 3 for rank in ranks)
        counts = (f"{len(met)}/{len(cases)}", f"{first}/{len(ill)}", f"{three}/{len(ill)}", f"{alarms}/{len(sound)}")
        print("{:14}{:>10}{:>14}{:>13}{:>15}".format(name, *counts), flush=True)


if __name__ == "__main__":
    main()
