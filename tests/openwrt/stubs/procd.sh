# What an init script asks of procd, put down for the test: one call a record, its words apart.
record() {
	printf '%s\037' "$@" >>/tmp/procd
	printf '\036' >>/tmp/procd
}

procd_open_instance() { record open_instance "$@"; }
procd_close_instance() { record close_instance; }
procd_set_param() { record set_param "$@"; }
procd_add_jail() { record add_jail "$@"; }
procd_add_reload_trigger() { record add_reload_trigger "$@"; }
procd_add_interface_trigger() { record add_interface_trigger "$@"; }
procd_add_validation() { "$@"; }

uci_load_validate() { # package, type, section, function, options
	local package="$1" type="$2" section="$3" function="$4" result=0
	shift 4
	if [ -z "$section" ]; then
		record validation "$type" "$@"
		return
	fi
	/sbin/validate_data "$package" "$type" "$section" "$@" || result=1
	[ -z "$function" ] && return "$result"
	"$function" "$section" "$result"
}
