#!/bin/sh
# PID 1 of the guest. Its root is the host's root, read-only through hostfs; everything that the guest writes goes to an
# overlay in memory, except GUEST_EXCHANGE, a directory of the host that is mounted writable at its own path.
# From the kernel's command line: GUEST_EXCHANGE (path), GUEST_MODULES (kernel modules, separated by commas), GUEST_INIT (shell: this
# script runs the task; systemd: it becomes systemd, which does).
# In the exchange directory: program.sh is run as the guest's only task, status receives its exit status.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
release=$(uname -r)
modules=/usr/lib/uml/modules/$release
root=/mnt/root

power_off() {
  sync
  echo o > /proc/sysrq-trigger
  sleep 60
}

fail() {
  echo "guest: $*"
  power_off
}

mount -t proc proc /proc || echo 'guest: no /proc'
insmod "$modules/kernel/fs/overlayfs/overlay.ko" || fail 'overlayfs is missing'
mount -t tmpfs tmpfs /mnt || fail 'no tmpfs'
mkdir /mnt/upper /mnt/work $root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work $root || fail 'no overlay over hostfs'
mount -t hostfs hostfs -o "$GUEST_EXCHANGE" "$root$GUEST_EXCHANGE" || fail 'no exchange directory'
mount --bind /dev $root/dev
mkdir -p $root/dev/pts $root/dev/shm
mount -t devpts devpts -o gid=5,mode=620,ptmxmode=666 $root/dev/pts
mount -t tmpfs tmpfs $root/dev/shm
mount -t tmpfs tmpfs -o mode=755 $root/run
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mkdir -p $root/usr/lib/modules
ln -s "$modules" "$root/usr/lib/modules/$release"
for module in $(echo "$GUEST_MODULES" | tr , ' '); do
  chroot $root modprobe "$module" || fail "no module $module"
done
ip link set lo up

echo "guest: up after $(cut -d ' ' -f 1 /proc/uptime) s"
if [ "$GUEST_INIT" = shell ]; then
  chroot $root /bin/sh "$GUEST_EXCHANGE/program.sh" < /dev/null
  echo $? > "$root$GUEST_EXCHANGE/status"
  power_off
fi

# One service, and the journal: nothing of what the host's systemd would start, here or when a unit asks for one of its targets.
rm -rf $root/etc/systemd/system $root/usr/lib/systemd/system/*.target.wants
mkdir -p $root/etc/systemd/system $root/run/systemd/system
# What says that the host is a container: systemd would do less than on a machine of its own.
rm -f $root/.dockerenv $root/run/.containerenv
cat > $root/run/systemd/system/guest.service << END
[Unit]
DefaultDependencies=no
Requires=systemd-journald.service
After=systemd-journald.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=HOME=/root LC_ALL=C.UTF-8
ExecStart=/bin/sh "$GUEST_EXCHANGE/program.sh"
StandardOutput=file:/dev/console
StandardError=file:/dev/console
ExecStopPost=/bin/sh -c 'echo "\$EXIT_STATUS" > "$GUEST_EXCHANGE/status"; sync; echo o > /proc/sysrq-trigger'
END
cd $root
mount --move . /
exec chroot . /lib/systemd/systemd --unit=guest.service --log-target=console --log-level=notice --show-status=0
