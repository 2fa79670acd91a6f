#!/bin/sh
# Installs the clients of other people that the end-to-end tests drive. Idempotent; the hub itself does not need them.
set -eu
cd "$(dirname "$0")/.."

# @xmpp/client comes with the web pages.
[ -d web/node_modules/@xmpp/client ] || (cd web && PATH="$PWD/../.venv/bin:$PATH" npm ci >/dev/null)

missing=""
for package in profanity tmux chromium; do
  command -v "$package" >/dev/null || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || {
    printf 'aiox tests: installing%s needs root and there is no sudo. Mend: run as root once: sh setup/test_clients.sh\n' "$missing" >&2
    exit 1
  }
  as_root=sudo
fi
printf '  Debian packages for the tests:%s\n' "$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$as_root apt-get -q -y install --no-install-recommends $missing >/dev/null || {
  $as_root apt-get -q update >/dev/null
  $as_root apt-get -q -y install --no-install-recommends $missing >/dev/null
}
