#!/bin/bash
# First process of the VM of a bed. Its root is an initramfs, made by `.ci/machine vm`; /bed comes from the bed. Only /mnt/state
# is a disk, and outlives a reset.
#
# Machine a is the VM itself, machine b a network namespace in it. Each has a network card to the runner (mgmt0) and they share a
# cable (eth0). A third card, bed0, is the bed's own way in, by a second sshd that no fault is aimed at.
#
# Every process that is started here takes a tenth of a second or more, under emulation; hence builtins and batches.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
set -e
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mkdir -p /dev/pts /dev/shm /run/sshd /run/lock /mnt/state /mnt/snapshots
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
modprobe -a virtio_pci virtio_net virtio_blk virtio_rng ext4 veth
mount -t ext4 /dev/vda /mnt/state
mount -t tmpfs -o mode=755,size=32m snapshots /mnt/snapshots
printf '127.0.0.1 localhost east-a\n::1 localhost east-a\n' >/etc/hosts
echo east-a >/proc/sys/kernel/hostname
for conf in /proc/sys/net/ipv6/conf/*; do # those of the cards are there already
  echo 0 >$conf/accept_dad
  echo 0 >$conf/accept_ra
done

. /bed/addresses
declare -A card
for file in /sys/class/net/*/address; do
  read -r mac <"$file"
  name=${file%/address}
  card[$mac]=${name##*/}
done
ip netns add peer
ip -batch - <<BATCH
link set lo up
link set ${card[52:54:00:00:00:01]} name mgmt0
link set ${card[52:54:00:00:00:02]} name mgmt-b
link set ${card[52:54:00:00:00:03]} name bed0
link set mgmt-b netns peer name mgmt0
link add eth0 address 52:54:00:00:01:01 type veth peer name eth0 address 52:54:00:00:01:02 netns peer
addr add 10.0.2.15/24 dev mgmt0
addr add 10.0.4.15/24 dev bed0
addr add $A_IPV4 dev eth0
addr add $A_IPV6 dev eth0 nodad
link set mgmt0 up
link set bed0 up
link set eth0 up
BATCH
ip -n peer -batch - <<BATCH
link set lo up
addr add 10.0.3.15/24 dev mgmt0
addr add $B_IPV4 dev eth0
addr add $B_IPV6 dev eth0 nodad
link set mgmt0 up
link set eth0 up
BATCH

trap '' CHLD

/usr/sbin/bed-sshd -f /bed/bed.sshd_config
/bed/start-sshd a
/bed/start-sshd b
setsid perl /bed/answering-server.pl $PORTS &
setsid ip netns exec peer perl /bed/answering-server.pl $PORTS &
echo 'the bed is up'
exec sleep infinity
