# Runs the command: its output goes to the two virtio ports, its status to the control share.

for port in /sys/class/virtio-ports/*; do
    read -r name <"$port/name"
    case $name in
    vm.stdout) stdout=/dev/${port##*/} ;;
    vm.stderr) stderr=/dev/${port##*/} ;;
    esac
done
/run/busybox mkfifo /run/vm.stdout /run/vm.stderr
/run/busybox cat </run/vm.stdout >"$stdout" &
first=$!
/run/busybox cat </run/vm.stderr >"$stderr" &
second=$!

( . /run/vm/command ) </run/vm/stdin >/run/vm.stdout 2>/run/vm.stderr
status=$?

# Processes that the command left behind may hold its output open: they are not waited for long.
( /run/busybox sleep 3; kill $first $second ) 2>/dev/null &
wait $first
wait $second
# Where there is a disk, it is switched off at once.
/run/busybox sync
echo $status >/run/vm/status.new
/run/busybox mv /run/vm/status.new /run/vm/status
