"""Every way lossdoctor can end early, with the exit code and the advice it carries."""

from __future__ import annotations


class LossDoctorError(Exception):
    """One sentence for the user: what, where, and what to do.

    ``exit_code`` is 2 where the input is at fault and 3 where lossdoctor is.
    """

    exit_code = 2


class UsageError(LossDoctorError):
    """An option or an argument does not make sense."""


class UnreadableLog(LossDoctorError):
    """A log that cannot be read: damaged, too large, or out of reach."""


class NoLog(UnreadableLog):
    """A file that is no training log at all: no reader knows it, or it holds no loss. In a folder it is passed over."""


class BadConfig(LossDoctorError):
    """A probe config that is not valid; the message gives file and line."""


class UserCodeError(LossDoctorError):
    """The user's model, data, loss or step function raised."""


class NotApplicable(LossDoctorError):
    """A change of the config that cannot be made to this model or data: no fault of anyone."""


class NoCluster(LossDoctorError):
    """The Ray cluster of a config cannot be reached, or is gone."""


class MissingExtra(LossDoctorError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'lossdoctor[{extra}]'")
