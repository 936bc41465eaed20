# Makes systemd, as process 1, start the command and little of what this machine starts at boot.

units=/root/run/systemd/system
mkdir -p $units

cat >$units/vm.target <<END
[Unit]
Requires=basic.target vm.service
After=basic.target
AllowIsolate=yes
END

cat >$units/vm.service <<END
[Unit]
After=basic.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/run/busybox sh /run/vm/run.sh
TimeoutStartSec=infinity
KillMode=process
END

# systemd-tmpfiles-setup would empty /tmp, where the current directory may be; udev would rename
# network interfaces; the rest takes time or waits for devices that are not there.
masked="
    systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-tmpfiles-clean.timer
    systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service
    systemd-networkd.service systemd-networkd-wait-online.service systemd-timesyncd.service
    systemd-journal-flush.service systemd-remount-fs.service systemd-modules-load.service
    systemd-random-seed.service systemd-update-utmp.service systemd-binfmt.service
    systemd-boot-system-token.service systemd-pstore.service systemd-firstboot.service
    systemd-sysusers.service proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount
    sys-kernel-tracing.mount sys-fs-fuse-connections.mount dev-hugepages.mount
    e2scrub_reap.service e2scrub_all.timer fstrim.timer apt-daily.timer apt-daily-upgrade.timer
    dpkg-db-backup.timer man-db.timer logrotate.timer"
for unit in $masked $also_masked; do ln -sfn /dev/null $units/$unit; done

: >/root/etc/fstab
echo uninitialized >/root/etc/machine-id
