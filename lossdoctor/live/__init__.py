"""A training while it runs: ``watch`` looks at its log, ``monitor`` sits in its loop, and ``stopping`` says when it is beyond hope."""
