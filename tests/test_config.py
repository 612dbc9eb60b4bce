"""Configs: what is wrong is said with file, line and the nearest known key; a patch keeps the user's comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from lossdoctor.core.config import load, seconds
from lossdoctor.core.errors import BadConfig, UsageError
from lossdoctor.core.fix import Patch, merge

TEXT = """\
# why this exists
model:
  factory: net.py:build  # the factory
  args: {hidden: 64}     # width

# the data
data:
  train: data.py:train
  val: data.py:val       # held out by hand

training:
  # how wrong
  loss: cross_entropy
  optimizer:
    name: sgd
    lr: 1e-3   # slow
  epochs: 5  # few

# probing
probe: {budget: 1m30s}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def test_a_good_config_loads(tmp_path: Path) -> None:
    config = load(write(tmp_path, TEXT)).config
    assert config.training.optimizer.lr == 0.001
    assert config.probe.budget == 90


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("epochs: 5", "epoch: 5", [":17:", "unknown key 'epoch'", "did you mean 'epochs'"]),
        ("data:\n  train", "dta:\n  train", [":7:", "unknown key 'dta'", "did you mean 'data'"]),
        ("epochs: 5", "epochs: five", [":17:", "training.epochs", "'five'"]),
        ("epochs: 5", "epochs: -5", [":17:", "training.epochs", "greater than 0"]),
        ("  factory: net.py:build  # the factory\n", "", ["model.factory is missing"]),
        ("1m30s", "soon", [":20:", "probe.budget", "2m"]),
        ("lr: 1e-3", "lr: quick", [":16:", "training.optimizer.lr", "'quick'"]),
        ("epochs: 5", "scheduler: {name: cosin}", ["training.scheduler.name", "'cosine'"]),
        ("probe: {budget: 1m30s}", "probe: {families: [lr]}", ["probe.families", "'lr' is no family"]),
        ("loss: cross_entropy", "loss: [cross_entropy", ["not valid YAML"]),
    ],
)
def test_a_bad_config_is_one_sentence_with_the_line(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    with pytest.raises(BadConfig) as error:
        load(write(tmp_path, TEXT.replace(old, new)))
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("text", ["", "[1, 2]", "just words"])
def test_what_is_no_mapping_is_no_config(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadConfig, match="expected the sections"):
        load(write(tmp_path, text))


def test_a_missing_or_binary_file(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(BadConfig, match="not a YAML text file"):
        load(tmp_path / "binary.yaml")


def test_a_patch_keeps_every_comment_where_it_was(tmp_path: Path) -> None:
    file = load(write(tmp_path, TEXT))
    target = tmp_path / "fixed.yaml"
    file.write(Patch({"training.optimizer.lr": 0.1, "data.standardize": True, "training.early_stopping": {"patience": 5}}), target)
    text = target.read_text()
    lines = text.splitlines()
    for comment in ("# why this exists", "# the factory", "# width", "# held out by hand", "# slow", "# few"):
        assert comment in text
    assert lines[lines.index("# the data") + 1] == "data:"
    assert lines[lines.index("# probing") + 1].startswith("probe:")
    assert lines[lines.index("  # how wrong") + 1] == "  loss: cross_entropy"
    patched = load(target).config
    assert patched.training.optimizer.lr == 0.1
    assert patched.data.standardize
    assert patched.training.early_stopping is not None


def test_a_fixed_config_in_another_folder_still_finds_its_files(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    file = load(write(tmp_path, TEXT))
    file.write(Patch({"training.epochs": 7}), tmp_path / "elsewhere" / "fixed.yaml")
    config = load(tmp_path / "elsewhere" / "fixed.yaml").config
    assert config.model.factory == "../net.py:build"
    assert config.data.train == "../data.py:train"


def test_patches_merge_and_their_edits_add_up() -> None:
    config = {"model": {"edits": [{"unfreeze": True}]}, "training": {"optimizer": {"lr": 1.0}}}
    first = Patch({"model.edits": [{"unfreeze": True}, {"swap_activation": "relu"}]})
    second = Patch({"model.edits": [{"unfreeze": True}, {"widen": 2}], "training.optimizer.lr": 0.1})
    both = merge([first, second], config)
    assert both.changes["model.edits"] == [{"unfreeze": True}, {"swap_activation": "relu"}, {"widen": 2}]
    assert both.apply(config)["training"]["optimizer"]["lr"] == 0.1
    assert config["training"]["optimizer"]["lr"] == 1.0  # the original is untouched


def test_durations() -> None:
    assert seconds("1h30m") == 5400
    assert seconds("45") == 45
    with pytest.raises(UsageError, match="duration"):
        seconds("a while")
    with pytest.raises(UsageError, match="longer than nothing"):
        seconds("0s")
