"""Figures, as ratios in one run: `python -m tests.bench NAME [options]`.

Each benchmark compares with named peers on the same machine in the same run, alternating, and checks that both gave the same answer.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import tests.bench


def main() -> int:
    """Run one benchmark, or list them."""
    names = sorted(m.name for m in pkgutil.iter_modules(tests.bench.__path__) if not m.name.startswith("_"))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        for name in names:
            module = importlib.import_module(f"tests.bench.{name}")
            print(f"{name:<16} {(module.__doc__ or '').strip().splitlines()[0]}")
        return 0 if len(sys.argv) < 2 else 2
    module = importlib.import_module(f"tests.bench.{sys.argv[1]}")
    sys.argv = sys.argv[1:]
    return int(module.main() or 0)


if __name__ == "__main__":
    sys.exit(main())
