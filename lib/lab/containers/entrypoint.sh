#!/bin/sh
# PID 1 of every container of the lab. Waits for children, so that nothing stays a zombie; its end ends all of them.
#   FAILOVER_ROUTES  routes to the other data centre, as "<subnet>=<router> …"
#   $1               host: sshd and a site; router: nothing but the kernel's forwarding
set -u
trap 'exit 0' TERM INT

for route in ${FAILOVER_ROUTES:-}; do
  ip route replace "${route%%=*}" via "${route#*=}" || exit 1
done

# A service that ends is started again, as a service manager would.
keep() { while :; do "$@"; sleep 1; done; }

if [ "$1" = host ]; then
  mkdir -p /run/sshd
  keep "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f /opt/failover/ssh/sshd_config &
  keep /usr/local/bin/node /opt/failover/programs/host/host.main.js &
fi
echo 'the container is up'
while :; do sleep 2147483 & wait; done
