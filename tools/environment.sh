# Sourced by the tools: makes the clone's virtual environment and installs this package into it.
#
#   use_environment EXTRAS PINS...
#
# EXTRAS are extras of setup.cfg; PINS are the tested versions of what they bring. Whatever is
# already there in these versions is not installed again. ENVIRONMENT is another folder than .venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

use_environment() {
  local extras=$1 folder=${ENVIRONMENT:-.venv}
  shift
  if [ ! -x "$folder/bin/python" ]; then
    echo "Making the virtual environment $folder"
    "${PYTHON:-python3}" -m venv "$folder"
  fi
  local wanted="$extras $* $(cksum setup.cfg)" stamp="$folder/installed-${extras//,/-}"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "Installing keras_videogpt[$extras]"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -e ".[$extras]"
    printf '%s' "$wanted" >"$stamp"
  fi
  PATH="$PWD/$folder/bin:$PATH"
  export TF_CPP_MIN_LOG_LEVEL=3 PYTHONUNBUFFERED=1
}
