#!/usr/bin/env bash
# Makes .label-studio: a Label Studio server in an environment of its own, for the tests in tests/real. About 1 GB and
# 1 to 4 minutes; the tests keep a database there that has Label Studio's migrations behind it, which takes as long again.
#   .ci/labelstudio/install.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3}
folder=.label-studio
wanted=$(cat .ci/labelstudio/requirements.txt .ci/labelstudio/install.sh | sha256sum | cut -d' ' -f1)

if [ "$(cat $folder/.installed 2>/dev/null || true)" = "$wanted" ]; then
  echo ".label-studio is up to date"
  exit 0
fi
rm -rf $folder/env $folder/migrated
"$python" -m venv $folder/env
$folder/env/bin/python -m pip install -qq --upgrade pip
$folder/env/bin/python -m pip install -qq --no-deps --requirement .ci/labelstudio/requirements.txt
echo "$wanted" >$folder/.installed
