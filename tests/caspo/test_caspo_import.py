"""The package `caspo` can be imported on a server without torch; only `caspo.objective` needs it."""

import subprocess
import sys


def test_importing_the_package_loads_no_torch() -> None:
    asked = "import sys, caspo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_the_constitutions_load_no_torch_and_no_database() -> None:
    asked = (
        "import sys; from caspo.constitution import list_constitutions; assert len(list_constitutions()) == 6\n"
        "sys.exit(bool({'torch', 'numpy', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
