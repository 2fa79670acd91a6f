#!/bin/sh
# Builds the web pages into web/dist with the Node of .venv. Does nothing when nothing has changed. Without the npm
# registry the hub still runs: its gateway then serves one page that says how to build them.
set -eu
cd "$(dirname "$0")/../web"

stamp=dist/.aiox-built
wanted=$(find src index.html openapi.json rules.mjs package.json package-lock.json tsconfig.json vite.config.ts -type f \
  ! -path '*/generated/*' | LC_ALL=C sort | xargs cat | sha256sum | cut -d' ' -f1)
[ "$(cat $stamp 2>/dev/null)" = "$wanted" ] && exit 0

PATH="$PWD/../.venv/bin:$PATH"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '  web pages (half a minute)\n'
if npm ci >"$log" 2>&1 && npm run build >>"$log" 2>&1; then
  printf '%s\n' "$wanted" >$stamp
  printf '  web pages are in place\n'
else
  tail -n 5 "$log" >&2
  printf '  the web pages were not built (last lines above); the hub runs without. Mend: sh setup/web.sh\n' >&2
fi
