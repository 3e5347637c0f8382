"""A Slurm script that starts a run, with several machines Ray on all of them. It is written, and never submitted."""

import shlex
from pathlib import Path

from caspo.launch import Launch, write_run
from storage.whole_files import write_whole

SCRIPT = "train.sbatch"
PORT = 6379


def write_script(launch: Launch, *, hours: int = 48) -> Path:
    """Write the script, and what the run is pinned to, into the run's folder; return its path.

    Raises:
        RunMismatch: The folder holds another run.
    """
    write_run(launch)
    path = launch.folder / SCRIPT
    write_whole(path, render_script(launch, hours=hours), mode=0o755)
    return path


def render_script(launch: Launch, *, hours: int) -> str:
    """Return the script. The same script submitted again resumes."""
    machine = launch.config.machine
    lines = [
        "#!/usr/bin/env bash",
        f"#SBATCH --job-name=caspo-{launch.folder.name}",
        f"#SBATCH --nodes={machine.nodes}",
        "#SBATCH --ntasks-per-node=1",
        f"#SBATCH --cpus-per-task={machine.cpus_per_node}",
        f"#SBATCH --mem={int(machine.memory_gib_per_node)}G",
        f"#SBATCH --time={hours}:00:00",
        f"#SBATCH --output={launch.folder}/slurm-%j.txt",
        "#SBATCH --open-mode=append",
    ]
    if machine.device == "cuda":
        lines.append(f"#SBATCH --gpus-per-node={machine.gpus_per_node}")
    lines += ["set -euo pipefail", f"cd {shlex.quote(str(launch.folder))}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in launch.environment.items()]
    if machine.nodes > 1:
        lines += _start_ray(machine.gpus_per_node, machine.cpus_per_node)
    words = [shlex.join(launch.program), *(shlex.quote(one) for one in launch.overrides)]
    return "\n".join([*lines, " \\\n    ".join(words)]) + "\n"


def _start_ray(gpus: int, cpus: int) -> list[str]:
    """Return what starts Ray's head on the first machine and joins the others, and ends both with the job."""
    joined = f"--num-gpus={gpus} --num-cpus={cpus} --block"
    return [
        'mapfile -t machines < <(scontrol show hostnames "$SLURM_JOB_NODELIST")',
        'head=$(srun --nodes=1 --ntasks=1 -w "${machines[0]}" hostname --ip-address | cut -d" " -f1)',
        "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT",
        f'srun --nodes=1 --ntasks=1 --overlap -w "${{machines[0]}}" ray start --head --node-ip-address="$head" '
        f"--port={PORT} {joined} &",
        'for machine in "${machines[@]:1}"; do',
        f'  srun --nodes=1 --ntasks=1 --overlap -w "$machine" ray start --address="$head:{PORT}" {joined} &',
        "done",
        "for _ in $(seq 60); do",
        f'  if [ "$(ray status --address="$head:{PORT}" 2>/dev/null | grep -c node_)" -ge "${{#machines[@]}}" ]; then',
        "    break",
        "  fi",
        "  sleep 5",
        "done",
        f'export RAY_ADDRESS="$head:{PORT}"',
    ]
