#!/bin/sh
# Installs the clients of other people that the end-to-end tests drive. Idempotent; the hub itself does not need them.
set -eu
cd "$(dirname "$0")/.."

# @xmpp/client comes with the web pages.
[ -d web/node_modules/@xmpp/client ] || (cd web && PATH="$PWD/../.venv/bin:$PATH" npm ci >/dev/null)

# promtool tests the alert rules. It is taken out of Debian's package prometheus: the server in it is not installed.
[ -x .venv/bin/promtool ] || command -v promtool >/dev/null || {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  fetch() { (cd "$scratch" && chmod 755 . && apt-get -q download prometheus >/dev/null 2>&1); }
  fetch || { apt-get -q update >/dev/null && fetch; }
  dpkg-deb --fsys-tarfile "$scratch"/prometheus_*.deb | tar -x -C "$scratch" ./usr/bin/promtool
  install -m 755 "$scratch/usr/bin/promtool" .venv/bin/promtool
  printf '  promtool for the tests, out of the Debian package prometheus\n'
}

missing=""
for package in profanity tmux chromium prosody; do
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
# Prosody is a server that tests start by themselves: installing it must start none, now or at boot.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\n# placed by the AIOX set-up for the length of one installation\nexit 101\n' | $as_root tee $policy >/dev/null
  $as_root chmod 755 $policy
  trap '$as_root rm -f $policy; rm -rf "${scratch:-}"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$as_root apt-get -q -y install --no-install-recommends $missing >/dev/null || {
  $as_root apt-get -q update >/dev/null
  $as_root apt-get -q -y install --no-install-recommends $missing >/dev/null
}
case "$missing" in *prosody*) $as_root update-rc.d prosody disable >/dev/null 2>&1 || true ;; esac
