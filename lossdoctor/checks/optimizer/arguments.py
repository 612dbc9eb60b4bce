"""OPT101: optimizer arguments outside of their usual range, or an optimizer that batches mislead."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan


class OptimizerArguments(Check):
    """An argument of the optimizer lies outside of the range in which it works, or the optimizer needs all examples in a batch.

    Why it matters: momentum of 1 never forgets a step and blows up; a large epsilon turns Adam into slow gradient descent. Rprop goes by
    the signs of the gradient alone, which differ from batch to batch.
    How it is detected: the config's optimizer and its arguments against the ranges in which they are used.
    What to do: momentum 0.9; Adam's betas 0.9 and 0.999, eps 1e-8; RMSprop or Adam in place of Rprop where there are batches.
    """

    code, severity = "OPT101", Severity.WARNING
    references = (
        "Kingma and Ba 2015, Adam",
        "Sutskever et al. 2013, On the Importance of Initialization and Momentum",
        "Riedmiller and Braun 1993, RPROP",
    )
    momentum = 0.99  # Sutskever et al. go to 0.999 with a schedule that ends below
    eps = 1e-3  # Kingma and Ba use 1e-8; up to 1 for some networks, with a rate to match
    batches = 0.5  # of the examples, that a batch for Rprop must hold; own
    first, second = (0.5, 0.98), 0.9  # range of the first beta, and the least second

    def examine(self, plan: Plan) -> Finding | None:
        odd = list(self._odd(plan))
        if not odd:
            return None
        return self.finding(
            f"{plan.optimizer} with {' and '.join(text for text, _ in odd)}.",
            confidence=max(sure for _, sure in odd),
            arguments=[t for t, _ in odd],
        )

    def _odd(self, plan: Plan) -> Iterator[tuple[str, float]]:
        if plan.optimizer == "rprop" and plan.batch_size < self.batches * plan.examples:
            yield f"batches of {plan.batch_size} of {plan.examples} examples, whose gradients differ in sign", 0.85
        momentum = plan.arguments.get("momentum", 0.0)
        if isinstance(momentum, int | float) and momentum > self.momentum:
            yield f"momentum {momentum:g}", 0.95 if momentum >= 1 else 0.75
        eps = plan.arguments.get("eps", 0.0)
        if isinstance(eps, int | float) and eps > self.eps:
            yield f"eps {eps:g}", 0.9 if eps > 0.01 else 0.7
        betas = plan.arguments.get("betas")
        if isinstance(betas, list | tuple) and len(betas) == 2:
            first, second = betas
            if not (first == 0 or self.first[0] <= first <= self.first[1]) or second < self.second:
                yield f"betas {first:g} and {second:g}", 0.75

    sick = [
        {"plan": Plan(optimizer="sgd", arguments={"momentum": 1.0})},
        {"plan": Plan(arguments={"eps": 0.1})},
        {"plan": Plan(optimizer="rprop")},
    ]
    healthy = [{"plan": Plan(optimizer="sgd", arguments={"momentum": 0.9})}, {"plan": Plan(arguments={"betas": [0.9, 0.95]})}]
