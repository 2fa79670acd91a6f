#!/bin/sh
# Stand-ins for the base images that docker/*Dockerfile name, made of Debian packages alone: for a machine that reaches no
# registry of images, and for tests/e2e/containers. `sh setup/stand_in.sh FOLDER`, as root; FOLDER then holds podman's
# storage, apart from this machine's own, and `. FOLDER/engine` makes podman use it. Does nothing when all is there.
set -eu
cd "$(dirname "$0")/.."

say() { printf '  %s\n' "$*"; }
fail() { printf 'stand-in images: %s\n' "$*" >&2; exit 1; }

[ $# = 1 ] || fail "say where: sh setup/stand_in.sh FOLDER"
[ "$(id -u)" = 0 ] || fail "debootstrap needs root. Mend: run as root."
missing=""
for program in podman runc debootstrap iptables catatonit; do
  command -v "$program" >/dev/null || [ -x "/usr/libexec/podman/$program" ] || missing="$missing $program"
done
[ -z "$missing" ] || fail "not installed:$missing. Mend: apt-get install --no-install-recommends podman runc debootstrap netavark aardvark-dns iptables catatonit"

mkdir -p "$1"
folder=$(cd "$1" && pwd)
suite=bookworm
debian=$(sed -n 's/^ARG DEBIAN=//p' docker/Dockerfile)
nginx=$(sed -n 's/^ARG NGINX=//p' docker/web.Dockerfile)

# runc: crun refuses machines that have both kinds of cgroups. No journal and no systemd are taken for granted.
cat >"$folder/containers.conf" <<END
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "$folder/networks"
END
cat >"$folder/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$folder/storage"
runroot = "$folder/run"
END
mkdir -p "$folder/networks" "$folder/empty"
cat >"$folder/engine" <<END
export CONTAINERS_CONF="$folder/containers.conf" CONTAINERS_STORAGE_CONF="$folder/storage.conf" TMPDIR="$folder"
END
. "$folder/engine"

there() { podman image exists "$1"; }

if ! there "docker.io/library/$debian"; then
  mirror=$(sed -n 's/^URIs: *\(http[^ ]*debian\)\/* *$/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
  mirror=${mirror:-$(sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*debian\)\/* .*/\2/p' /etc/apt/sources.list 2>/dev/null | head -n 1)}
  mirror=${mirror:-http://deb.debian.org/debian}
  root=$folder/debian
  rm -rf "$root"
  say "a Debian $suite by debootstrap in the place of $debian (one to three minutes)"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$folder/debootstrap.log" 2>&1 ||
    { tail -n 5 "$folder/debootstrap.log" >&2; fail "debootstrap did not succeed (its last lines are above)."; }
  printf 'deb %s %s main\ndeb %s %s-updates main\n' "$mirror" "$suite" "$mirror" "$suite" >"$root/etc/apt/sources.list"
  # This machine's own way to the package registries: its certificates, and what its clients are told.
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" --one-file-system -c . |
    podman import --change 'CMD ["bash"]' --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
      - "docker.io/library/$debian" >"$folder/import.log" 2>&1 || { cat "$folder/import.log" >&2; fail "podman import did not succeed."; }
  rm -rf "$root"
fi

if ! there "docker.io/library/$nginx"; then
  say "Debian's nginx in the place of $nginx"
  podman build --network=host --format=docker -t "docker.io/library/$nginx" -f - "$folder/empty" >"$folder/nginx.log" 2>&1 <<END ||
FROM docker.io/library/$debian
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/*
END
    { tail -n 10 "$folder/nginx.log" >&2; fail "the image of nginx was not built (last lines above)."; }
fi
say "stand-in images are in place"
