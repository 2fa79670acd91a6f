#!/bin/sh
# Installs the Debian packages the hub runs on. Idempotent; leaves no service running or enabled that was not before.
# On Debian 12 one apt source (backports) is added, because ejabberd 23.01 lacks privileged roster edits.
set -eu

say() { printf '  %s\n' "$*"; }
fail() { printf 'aiox set-up: %s\n' "$*" >&2; exit 1; }

PACKAGES="redis-server bubblewrap python3-venv ca-certificates util-linux libexpat1"
EJABBERD="ejabberd erlang-p1-pgsql erlang-p1-oauth2"

[ -r /etc/os-release ] || fail "no /etc/os-release here. Mend: run on Debian 12 or 13."
. /etc/os-release
case "${ID:-}:${VERSION_ID:-}" in
  debian:12) suite=bookworm ;;
  debian:13) suite=trixie ;;
  *) fail "this is ${PRETTY_NAME:-an unknown system}; the set-up knows Debian 12 and 13. Mend: use one of them, or a container of it (docker run -it debian:12)." ;;
esac

installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }
missing=""
for package in $PACKAGES $EJABBERD; do installed "$package" || missing="$missing $package"; done
installed ejabberd && dpkg --compare-versions "$(dpkg-query -W -f '${Version}' ejabberd)" lt 24.12 && missing="$missing ejabberd"
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || fail "installing$missing needs root and there is no sudo. Mend: run as root once: sh setup/debian.sh"
  as_root=sudo
fi
free_kib=$(df -Pk /var | awk 'NR==2 {print $4}')
[ "$free_kib" -ge 600000 ] || fail "only $((free_kib / 1024)) MiB free on $(df -Pk /var | awk 'NR==2 {print $6}'), the packages need 600. Mend: free some space."

say "Debian packages to install:$missing"

# What is enabled at boot, by systemd and by sysvinit, to be restored to exactly this afterwards.
enabled() {
  { find /etc/systemd/system /etc/systemd/user -type l 2>/dev/null; find /etc/rc?.d -name 'S*' 2>/dev/null; } | sort
}

before=$(mktemp); after=$(mktemp); log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=no
cleanup() {
  [ $made_policy = no ] || $as_root rm -f $policy
  rm -f "$before" "$after" "$log"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

if [ ! -e $policy ] || grep -q 'placed by the AIOX set-up' $policy; then # one of ours is left when a set-up was killed
  printf '#!/bin/sh\n# placed by the AIOX set-up for the length of one installation\nexit 101\n' | $as_root tee $policy >/dev/null
  $as_root chmod 755 $policy
  made_policy=yes
fi
enabled >"$before"

apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 && return 0
  tail -n 15 "$log" >&2
  fail "apt-get $1 did not succeed (its last lines are above). Mend: check the network and 'apt-get update', then run this again."
}

mirror_of_this_machine() {
  { sed -n 's/^URIs: *\(http[^ ]*debian\)\/* *$/\1/p' /etc/apt/sources.list.d/*.sources
    sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*debian\)\/* .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list
  } 2>/dev/null | head -n 1
}

say "reading the package lists"
apt update
from=""
if [ $suite = bookworm ]; then
  if ! apt-cache madison ejabberd | awk '{print $3}' | grep -qE '^(2[4-9]|[3-9][0-9])\.'; then
    mirror=$(mirror_of_this_machine)
    say "adding the apt source bookworm-backports"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bookworm-backports main\n' \
      "${mirror:-http://deb.debian.org/debian}" | $as_root tee /etc/apt/sources.list.d/aiox-backports.list >/dev/null
    apt update
  fi
  from="-t bookworm-backports"
fi
say "installing (one to three minutes)"
# shellcheck disable=SC2086
apt install --no-install-recommends $PACKAGES
# shellcheck disable=SC2086
apt install --no-install-recommends $from $EJABBERD

enabled >"$after"
comm -13 "$before" "$after" | while read -r link; do $as_root rm -f "$link"; done
for service in ejabberd redis-server epmd; do
  if [ -d /run/systemd/system ] && ! grep -q "/$service\." "$before"; then $as_root systemctl stop "$service" 2>/dev/null || true; fi
done
say "Debian packages are in place"
