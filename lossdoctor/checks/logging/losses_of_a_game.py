"""LOG006: the log has only losses of a game."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling, noisy
from lossdoctor.core.names import recognise
from lossdoctor.core.run import Run


class LossesOfAGame(Check):
    """The only losses are those of networks that play against each other, or of an agent: nothing tells whether the run goes well.

    Why it matters: what one player wins the other loses; such losses rise, fall or stand still when all is well and when nothing is.
    How it is detected: every loss has the name of a player (generator, discriminator, critic, policy), and no reward or score is logged.
    What to do: log what the game is for: the reward, the FID or another score of what is made, a loss of reconstruction.
    """

    code, severity = "LOG006", Severity.INFO
    requires = frozenset({"NUM001"})
    references = ("Goodfellow et al. 2014, Generative Adversarial Nets", "Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule")

    def examine(self, run: Run, judged_loss: Curve | None) -> Finding | None:
        players = [label for label in run.curves if (role := recognise(label)) is not None and role.rival and role.metric == "loss"]
        if judged_loss is not None or not players:
            return None
        return self.finding(
            f"The log has only losses of a game ({', '.join(players[:2])}): they need not fall when all is well, so they are not judged.",
            confidence=0.97,
            players=players,
        )

    _game = Run({label: noisy(falling(1.4, 0.7, label), 0.1) for label in ("train_d_loss", "train_g_loss")})
    sick = [{"run": _game, "judged_loss": None}]
    healthy = [{"run": _game, "judged_loss": falling(label="val_fid")}, {"run": Run({"lr": falling(label="lr")}), "judged_loss": None}]
