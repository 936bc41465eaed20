# What is used of /lib/functions.sh: the options of a configuration in shell variables.
config_load() {
	eval "$(/sbin/uci export-shell "$1")"
}

config_get() { # variable, section, option, default
	eval "$1=\${CONFIG_$2_$3:-\$4}"
}

config_get_bool() { # variable, section, option, default
	config_get "$@"
	eval "case \$$1 in 1 | on | true | yes | enabled) $1=1 ;; 0 | off | false | no | disabled) $1=0 ;;
		*) $1=\$4 ;; esac"
}

config_foreach() { # function, type
	local section type
	for section in $CONFIG_SECTIONS; do
		config_get type "$section" TYPE
		[ "$type" = "$2" ] && "$1" "$section"
	done
}

config_list_foreach() { # section, option, function
	local count index=1 item
	config_get count "$1" "$2_LENGTH" 0
	while [ "$index" -le "$count" ]; do
		config_get item "$1" "$2_ITEM$index"
		"$3" "$item"
		index=$((index + 1))
	done
}
