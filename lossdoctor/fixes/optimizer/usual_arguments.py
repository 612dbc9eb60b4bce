"""Take the optimizer's usual arguments."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class UsualArguments(Fix):
    """Leave the optimizer's betas, epsilon and momentum at the values they are used with.

    Why it helps: with momentum of 1 no step is ever forgotten; with a large epsilon Adam no longer scales its steps.
    In your code: `torch.optim.Adam(model.parameters(), lr=lr)`
    """

    code = "FOPT02"
    cures = frozenset({"OPT101"})
    references = ("Kingma & Ba 2015, Adam",)
    arguments = ("betas", "eps", "momentum", "alpha", "nesterov", "dampening")

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        optimizer = config.get("training.optimizer") or {}
        odd = [name for name in optimizer if name in self.arguments]
        if finding is not None and odd:
            kept = {name: value for name, value in optimizer.items() if name not in odd}
            yield Patch({"training.optimizer": kept}, f"{' and '.join(odd)} as usual")
