"""What is measured of the passes of the model, forward and back, before it is trained."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from lossdoctor.core.curve import Floats


@dataclass(frozen=True)
class Operation:
    """One operation of a forward pass, by the values that came out of it.

    ``kind`` is ``weighted``, ``activation``, ``norm``, ``dropout``, ``recurrent``, ``attention`` or ``embedding``. ``std`` is the
    spread over the examples, root mean square over the units; ``rms`` the size of the values. ``dead`` is the share of units that
    are zero for every example, ``saturated`` the share of values within 1 % of a bound of the function. ``bare`` names the
    weighted layer that feeds this one through nothing but linear operations. ``gain`` is the spread of the weights in units
    of 1/sqrt(fan-in): 0.58 for torch's default, 1 for Xavier, 1.4 for Kaiming. ``rank`` is the number of directions in which
    the examples differ (participation ratio of the variances).
    """

    layer: str
    kind: str
    function: str
    std: float = 1.0
    rms: float = 1.0
    units: int = 1
    inputs: int = 1
    dead: float = 0.0
    saturated: float = 0.0
    bare: str = ""
    gain: float = 1.0
    rate: float = 0.0
    values: int = 1
    finite: bool = True
    twins: float = 0.0
    rank: float = 2.0


@dataclass(frozen=True)
class Pass:
    """A forward pass in training mode: its operations in order, and how the input arrives at the first layer with weights.

    ``rescaled`` says that the model itself changed the scale of its inputs first, from the root mean square ``given`` to ``arrives``;
    ``last`` is the kind of the operation that made the output of ``examples`` examples, ``broke`` the first operation that made
    NaN or infinity from finite numbers. ``channels`` is how many the first layer takes an image to have.
    """

    operations: tuple[Operation, ...]
    rescaled: bool = False
    last: str = ""
    broke: str = ""
    examples: int = 1
    given: float = 1.0
    arrives: float = 1.0
    channels: int = 0

    @property
    def weighted(self) -> list[Operation]:
        return [o for o in self.operations if o.kind in ("weighted", "recurrent", "attention")]

    @property
    def hidden(self) -> list[Operation]:
        """The activations that another layer with weights follows."""
        pairs = itertools.pairwise([o for o in self.operations if o.kind in ("weighted", "recurrent", "attention", "activation")])
        return [a for a, b in pairs if a.kind == "activation" and b.kind != "activation"]


@dataclass(frozen=True, eq=False)
class Gradients:
    """One backward pass: the gradient's norm of each layer with weights, in the order of the forward pass.

    ``rms`` is the norm over the square root of the number of weights; ``weight`` the norm of the weights themselves. ``absent``
    names the layers that no gradient reached, ``frozen`` those told not to learn, of which ``random`` depend on the seed
    and so hold nothing that was learned before; ``frozen_share`` counts their weights among all. ``unknown`` are the shapes of
    tensors that get a gradient and are no parameters of the model, so that no optimizer is told of them. ``inward`` is the cosine
    of the gradient with the weights, or their signs: near 1 where a penalty on the weights outweighs the data.
    """

    layers: tuple[str, ...]
    norm: Floats
    rms: Floats
    weight: Floats
    zeros: Floats
    absent: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    random: tuple[str, ...] = ()
    frozen_share: float = 0.0
    loss: float = 1.0
    unknown: tuple[str, ...] = ()
    inward: float = 0.0

    @property
    def total(self) -> float:
        return float(np.sqrt((self.norm**2).sum()))


@dataclass(frozen=True)
class Independence:
    """What an output depends on besides its own input, in evaluation mode, in units of the spread of the outputs.

    ``mixed`` is how far the output of an example moves when the others of its batch are exchanged, ``random`` when the same
    batch is given once more.
    """

    mixed: float
    random: float


@dataclass(frozen=True, eq=False)
class Output:
    """What the model can put out, from the start and from its last layer replaced by large random weights and their negatives.

    ``shape`` is that of the output of ``shape[0]`` examples; ``kind`` is ``softmax``, ``log_softmax``, ``sigmoid`` (within 0 and 1),
    ``tanh`` (within -1 and 1), ``relu`` (never negative), ``constant`` or ``free``. ``mean`` and ``std`` are those at the start,
    ``edge`` the share of values that are exactly the lowest or the highest even then. ``distinct`` is the share of different inputs
    that get outputs of their own, for the weights that tell most apart.
    """

    shape: tuple[int, ...]
    kind: str
    low: float
    high: float
    mean: float = 0.0
    std: float = 1.0
    edge: float = 0.0
    distinct: float = 1.0


@dataclass(frozen=True)
class Reward:
    """What a loss of the user's own gives to outputs that are made up: the lowest it reaches for outputs that follow the targets, for
    ``constant`` ones and for outputs that go ``against`` the targets, and what it gives to outputs ``far`` against them."""

    following: float
    constant: float
    against: float
    far: float


@dataclass(frozen=True)
class TargetInfluence:
    """Where a loss feels a target: of the change in its gradient by the outputs when one target changes, the share at the one place
    where it is largest; ``places`` is how many there are in a batch."""

    focus: float
    places: int


@dataclass(frozen=True)
class Reach:
    """Of the ``steps`` of a sequence, the ``share`` at its end that an output of the untrained model depends on."""

    steps: int
    share: float


@dataclass(frozen=True, eq=False)
class Start:
    """The loss of untrained models on the same examples, one value a seed."""

    losses: Floats


@dataclass(frozen=True)
class Curvature:
    """The loss along the first update: ``critical`` is the learning rate beyond which that step raises the loss (Kalra 2026), and
    ``noise_scale`` the batch size at which noise and gradient are of equal size (McCandlish 2018), in examples."""

    critical: float
    noise_scale: float
