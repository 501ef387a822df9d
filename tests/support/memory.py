"""How much memory something takes, in a process of its own."""

import subprocess
import sys

MEASURE = """
import resource
from pathlib import Path
{imports}
from convstab.errors import InputError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    {statement}
except InputError:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def peak_memory(imports: str, statement: str) -> int:
    """Bytes that a statement takes beyond the imports, at its peak, whether it is refused or not."""
    command = [sys.executable, "-c", MEASURE.format(imports=imports, statement=statement)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    return 1024 * int(done.stdout.split()[-1])
