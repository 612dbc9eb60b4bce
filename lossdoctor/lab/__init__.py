"""The only room that knows torch; entering it without torch is one sentence, not a traceback."""

from lossdoctor.core.errors import MissingExtra

try:
    import torch  # noqa: F401
except ImportError:
    raise MissingExtra("torch", "probe") from None
