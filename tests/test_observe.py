"""Observing changes nothing, and what it writes down is right for any kind of module."""

from __future__ import annotations

import random
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_workloads import classes, examination, numbers, workload
from torch import Tensor, nn
from torch.utils.data import Dataset

from lossdoctor.lab import observe
from lossdoctor.lab.fit import count_steps, fit
from lossdoctor.lab.observe.tape import record
from lossdoctor.lab.workload import Workload


def mlp(inputs: int = 6, outputs: int = 3, hidden: int = 16, last: nn.Module | None = None) -> nn.Module:
    layers = [nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, outputs)]
    return nn.Sequential(*layers, *([last] if last else []))


class Functional(nn.Module):
    """Activations and dropout as functions, weights by hand, a rectifier in place."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 16), nn.Linear(8, 3)
        self.middle = nn.Parameter(torch.randn(16, 8) / 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu_(self.first(x))
        x = F.dropout(torch.tanh(x @ self.middle), 0.7, self.training)
        return self.last(x)


class Gru(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.gru, self.out = nn.Embedding(10, 8), nn.GRU(8, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.gru(self.embed(tokens))[0][:, -1])


class Tied(nn.Module):
    """The last layer shares the weights of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Linear(6, 6)
        self.up = nn.Linear(6, 6)
        self.up.weight = self.down.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.up(torch.relu(self.down(x)))


class Dicts(Dataset[dict[str, Tensor]]):
    """Items that are dictionaries with two inputs, as language models have them; noisy, by numpy's own random numbers."""

    def __len__(self) -> int:
        return 90

    def __getitem__(self, i: int) -> dict[str, Tensor]:
        ids = torch.full((5,), i % 10)
        return {"ids": ids, "shift": torch.tensor(np.random.normal()).float(), "label": torch.tensor(i % 2)}


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(10, 8), nn.Linear(9, 2)

    def forward(self, ids: Tensor, shift: Tensor) -> tuple[Tensor, None]:
        return self.out(torch.cat([self.embed(ids).mean(dim=1), shift[:, None]], dim=1)), None


def dict_step(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return F.cross_entropy(model(batch["ids"], batch["shift"])[0], batch["label"])


def tokens(count: int = 120) -> tuple[Any, Any]:
    x = np.random.default_rng(0).integers(0, 10, (count, 5))
    return x, (x[:, 0] > 4).astype(int)


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.Sequential(nn.Embedding(10, 8), nn.TransformerEncoder(layer, 1), nn.Flatten(), nn.Linear(40, 2))


MODULES: dict[str, Any] = {
    "batch norm and dropout": lambda: workload(mlp, classes()),
    "functions": lambda: workload(Functional, classes()),
    "gru on tokens": lambda: workload(Gru, tokens()),
    "transformer": lambda: workload(encoder, tokens()),
    "lazy": lambda: workload(lambda: nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3)), classes()),
    "shared weights": lambda: workload(Tied, classes(count=6)),
    "dictionaries and a step": lambda: workload(TwoInputs, Dicts(), Dicts(), step=dict_step, batch_size=16, epochs=3),
    "pixels": lambda: workload(
        lambda: nn.Sequential(nn.Conv1d(4, 8, 3), nn.GELU(), nn.Flatten(1), nn.Linear(48, 8 * 8)),
        (np.random.default_rng(0).normal(size=(80, 4, 8)), np.random.default_rng(0).normal(size=(80, 8, 8))),
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_training_after_an_examination_is_the_same_bit_by_bit(name: str) -> None:
    def training(examined: bool) -> tuple[Any, Any, list[Any]]:
        work = MODULES[name]()
        torch.manual_seed(3)
        np.random.seed(3)
        random.seed(3)
        if examined:
            assert not examination(work).crashed
        drawn = [torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()]
        done = fit(work, seed=1, steps=12, every=6)
        return done.rows, done.model.state_dict(), [*drawn, torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()]

    rows, weights, drawn = training(examined=False)
    rows_after, weights_after, drawn_after = training(examined=True)
    assert rows_after == rows
    assert drawn_after == drawn
    assert all(torch.equal(weights[key], weights_after[key]) for key in weights)


def test_the_tape_leaves_no_hook_and_no_change_of_the_output() -> None:
    model = mlp().eval()
    x = torch.randn(8, 6)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plain = model(x)
    taped, _ = record(model, lambda: model(x))
    assert torch.equal(plain, taped)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_tape_sees_functions_as_well_as_modules() -> None:
    model = Functional().train()
    _, seen = record(model, lambda: model(torch.randn(32, 6)))
    assert [(o.kind, o.function) for o in seen.operations] == [
        ("weighted", "linear"),
        ("activation", "relu"),
        ("weighted", "matmul"),
        ("activation", "tanh"),
        ("dropout", "dropout"),
        ("weighted", "linear"),
    ]
    assert [o.layer for o in seen.weighted] == ["first", "the model", "last"]
    assert not any(o.bare for o in seen.operations)
    assert seen.operations[4].rate == 0.7
    assert seen.operations[0].gain == pytest.approx(0.58, abs=0.1)


def test_the_tape_counts_dead_and_saturated_units() -> None:
    torch.manual_seed(0)
    dead, wide = nn.Linear(6, 8), nn.Linear(8, 4)
    with torch.no_grad():
        dead.bias[:6] = -100.0
        wide.weight.mul_(1000.0)
    model = nn.Sequential(dead, nn.ReLU(), wide, nn.Sigmoid(), nn.Linear(4, 2))
    _, seen = record(model, lambda: model(torch.randn(64, 6)))
    relu, sigmoid = seen.hidden
    assert relu.dead == pytest.approx(0.75, abs=0.01)
    assert sigmoid.saturated > 0.5


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (None, "free"),
        (nn.Softmax(dim=1), "softmax"),
        (nn.LogSoftmax(dim=1), "log_softmax"),
        (nn.Sigmoid(), "sigmoid"),
        (nn.Tanh(), "tanh"),
        (nn.ReLU(), "relu"),
        (nn.Softplus(), "relu"),
        (nn.LeakyReLU(), "free"),
    ],
    ids=str,
)
def test_the_range_of_the_output_is_told_from_its_values(last: nn.Module | None, kind: str) -> None:
    output = observe.output(workload(lambda: mlp(last=last), classes()))
    assert output is not None
    assert output.kind == kind


def test_a_softmax_over_one_output_is_constant() -> None:
    output = observe.output(workload(lambda: mlp(outputs=1, last=nn.Softmax(dim=1)), numbers()))
    assert output is not None
    assert (output.kind, output.low, output.high) == ("constant", 1.0, 1.0)


def rated(lr: float) -> Workload:
    return workload(lambda: nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3)), classes(), optimizer={"lr": lr})


def test_the_range_test_finds_a_rate_that_works_far_from_the_configured_one() -> None:
    for lr in (1e-6, 3.0):
        test = observe.range_test(work := rated(lr), observe.short_run(work))
        assert test is not None
        assert 1e-3 < test.rate < 0.3
        assert (test.proposed < 0.6 * test.configured).all()
        assert len(test.suggested) > 1


def test_a_rate_at_which_the_loss_falls_well_is_not_doubted() -> None:
    with count_steps() as taken:
        run = observe.short_run(work := rated(0.03))
        before = taken.steps
        test = observe.range_test(work, run)
    assert run.losses[-1] < 0.5 * run.losses[0]
    assert test is not None
    assert (test.rate, test.compared, taken.steps) == (0.03, False, before)


def test_measurements_take_as_many_steps_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks at the clock a tenth of a second passes, of which this process gets a hundredth."""
    quiet = observe.range_test(work := rated(1e-6), observe.short_run(work))
    clocks = SimpleNamespace(process_time=count(0.0, 0.001).__next__, monotonic=count(0.0, 0.1).__next__)
    monkeypatch.setattr(observe.budget, "time", clocks)
    busy = observe.range_test(work := rated(1e-6), observe.short_run(work))
    assert quiet is not None
    assert busy is not None
    assert (quiet.suggested == busy.suggested).all()


def test_the_steps_of_measurements_are_a_share_of_the_training() -> None:
    taken = []
    for epochs in (5, 500):
        work = workload(mlp, classes(), epochs=epochs, optimizer={"lr": 1e-5})
        with count_steps() as counter:
            run = observe.short_run(work)
            observe.range_test(work, run)
            observe.one_batch(work)
            observe.blind(work, run)
        taken.append(counter.steps)
    assert taken[0] < 0.9 * taken[1] < 900


def test_a_model_that_cannot_learn_a_few_examples_is_given_up_before_long() -> None:
    with count_steps() as counter:
        one = observe.one_batch(workload(lambda: nn.Sequential(nn.Linear(6, 3), Blurred()), classes()))
    assert one is not None
    assert one.best > 0.5 * one.chance
    assert counter.steps < 150


class Blurred(nn.Module):
    """Lets next to nothing through."""

    def forward(self, x: Tensor) -> Tensor:
        clamped: Tensor = x.clamp(-1e-3, 1e-3)
        return clamped


class Squeezed(nn.Module):
    """Looks everything up, and gives one number an example."""

    def __init__(self, scale: float = 0.1) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 4)
        nn.init.normal_(self.table.weight, 0, scale)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.table(tokens).prod(dim=1).sum(dim=1)


def test_outputs_of_one_axis_and_models_of_embeddings_alone_are_examined() -> None:
    x, y = tokens()
    work = workload(Squeezed, (x, y.astype(np.float32)), loss="mse_loss")
    output = observe.output(work)
    assert output is not None
    assert output.kind == "free"
    assert not examination(work).crashed


def test_a_model_that_tells_no_inputs_apart_is_counted_as_such() -> None:
    blank = observe.output(workload(lambda: nn.Sequential(nn.Linear(6, 1), nn.LayerNorm(1), nn.Linear(1, 3)), classes()))
    sound = observe.output(workload(mlp, classes()))
    assert blank is not None
    assert sound is not None
    assert blank.distinct < 0.05
    assert sound.distinct > 0.9


def test_fewer_examples_are_passed_through_a_larger_model(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = workload(lambda: nn.Sequential(nn.Linear(6, 500), nn.ReLU(), nn.Linear(500, 500), nn.Linear(500, 3)), classes())
    assert len(observe.common.examples(wide)[0]) == observe.common.EXAMPLES
    monkeypatch.setattr(observe.common, "OPERATIONS", 1e7)
    assert len(observe.common.examples(wide)[0]) == 19  # of 2 (6 x 500 + 500 x 500 + 500 x 3) operations each


def test_frozen_weights_are_random_where_another_seed_gives_others() -> None:
    def frozen(pretrained: bool) -> nn.Module:
        model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
        if pretrained:
            model[0].load_state_dict({"weight": torch.linspace(-1, 1, 96).view(16, 6), "bias": torch.zeros(16)})
        model[0].requires_grad_(False)
        return model

    assert observe.gradients(workload(lambda: frozen(False), classes())).random == ("0.weight",)
    loaded = observe.gradients(workload(lambda: frozen(True), classes()))
    assert (loaded.frozen, loaded.random) == (("0.weight", "0.bias"), ())


def test_large_data_are_sampled() -> None:
    x = np.zeros((250_000, 2), dtype=np.float32)
    x[:, 0] = np.arange(250_000) % 7
    columns = observe.columns(work := workload(lambda: mlp(inputs=2, outputs=2), (x, (x[:, 0] > 3).astype(int))), work.train)
    assert columns is not None
    assert columns.rows == observe.data.ROWS
    assert columns.mean[0] == pytest.approx(3.0, abs=0.05)
