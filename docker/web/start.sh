#!/bin/sh
# Starts nginx with this network's own name server, so that gateways which come and go are found.
set -eu
name_server=$(awk '/^nameserver/ {print $2; exit}' /etc/resolv.conf)
case $name_server in *:*) name_server="[$name_server]" ;; esac
sed "s/@NAME_SERVER@/$name_server/" /etc/aiox/nginx.conf >/tmp/nginx.conf
exec nginx -c /tmp/nginx.conf -g 'daemon off;'
