"""What the data model costs a process that has nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from tests.bench.figures import Against, Figure, Goal

# The table is read after its modules are there: `start → first Inform` has the rest.
LOAD = """
import time
from henbd.model.table import device_table
began_at = time.perf_counter()
device_table("00256D")
print((time.perf_counter() - began_at) * 1000)
"""
MEMORY = """
import tracemalloc
from henbd.model import paths
from henbd.model.table import device_table
from henbd.model.tree import Tree
tracemalloc.start()
tree = Tree.factory(device_table("00256D"), {paths.FAP_SERVICES: (1,)}, {})
for _ in range(32):
    tree, _ = tree.add(paths.FAP + "CellConfig.LTE.RAN.NeighborList.LTECell.")
print(tracemalloc.get_traced_memory()[0] / 2**20)
"""


def figures(trials: int) -> Iterator[Figure]:
    """Take the time that the table needs, and the memory of it and of a tree with neighbours."""
    loads = [_told(LOAD) for _ in range(trials)]
    yield Figure("the data model's table is read", "ms", loads, goal=Goal(Against.ABSOLUTE, 30))
    goal = Goal(Against.ABSOLUTE, 4)
    yield Figure("table and tree with 32 neighbours", "MiB", [_told(MEMORY)], goal=goal)


def _told(program: str) -> float:
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return float(done.stdout)
