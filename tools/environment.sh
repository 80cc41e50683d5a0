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
  # What is there already, word by word: tools may share an environment, and run side by side.
  local stamp="$folder/installed" words="${extras//,/ } $* setup.cfg:$(cksum <setup.cfg | tr ' ' :)"
  touch "$stamp"
  if [ -n "$(comm -23 <(printf '%s\n' $words | sort -u) <(sort -u "$stamp"))" ]; then
    echo "Installing keras_videogpt[$extras]"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -e ".[$extras]"
    # Other versions of the same packages are there no more.
    local names
    names=$(printf '%s\n' $words | sed 's/[=:].*//' | paste -sd'|')
    { grep -vE "^($names)([=:]|$)" "$stamp" || true; printf '%s\n' $words; } >"$stamp.new"
    mv "$stamp.new" "$stamp"
  fi
  PATH="$(cd "$folder" && pwd)/bin:$PATH"
  export TF_CPP_MIN_LOG_LEVEL=3 PYTHONUNBUFFERED=1
}
