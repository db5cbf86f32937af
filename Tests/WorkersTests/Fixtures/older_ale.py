"""Apus's own worker with an ale-py from before it had a vector environment."""

import sys

import ale_py  # noqa: F401  (as a whole: it imports what is taken away from others here)

sys.modules["ale_py.vector_env"] = None

from apus_worker.__main__ import main  # noqa: E402

main()
