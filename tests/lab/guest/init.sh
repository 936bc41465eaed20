#!/bin/busybox sh
# The first program in the VM. The root that it makes is this machine's own, read-only over 9p, under
# an overlay, of a tmpfs or of the disk. One static busybox does it all: over 9p and under emulation,
# every program that has to be loaded costs a tenth of a second. The kernel was given disk=yes where
# there is one: what it does not know itself is in our environment.

/bin/busybox --install -s /bin
PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module" || echo "vm: $module not loaded"; done

plan9=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "ro,$plan9,cache=loose" host /lower || echo "vm: no root"
if [ "$disk" = yes ]; then
    for module in /disk-modules/*; do insmod "$module" || echo "vm: $module not loaded"; done
    mount -t ext4 /dev/vda /upper || echo "vm: no disk"
else
    mount -t tmpfs -o mode=755,size=75% tmpfs /upper
fi
mkdir -p /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /root

mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr

mount -t tmpfs -o mode=755 tmpfs /root/run
mkdir /root/run/vm /root/run/lock
cp /bin/busybox /root/run/busybox
mount -t 9p -o "$plan9,cache=none,access=any" control /root/run/vm || echo "vm: no control share"
. /root/run/vm/settings

hostname vm
ip link set lo up
mkdir -p "/root/lib/modules/$release"
mount --bind "/root$modules" "/root/lib/modules/$release"
number=0
while read -r folder; do
    mount -t 9p -o "$plan9,cache=none,access=any" "writable$number" "/root$folder"
    number=$((number + 1))
done </root/run/vm/writable

for pseudo in proc sys dev; do mount --move /$pseudo /root/$pseudo; done
if [ "$systemd" = yes ]; then
    . /root/run/vm/systemd.sh
    exec switch_root /root /lib/systemd/systemd --unit=vm.target
fi
mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
exec switch_root /root /run/busybox sh /run/vm/alone.sh
