"""The package `caspo` can be imported on a server without torch; only `caspo.objective` needs it."""

import subprocess
import sys


def test_importing_the_package_loads_no_torch() -> None:
    asked = "import sys, caspo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
