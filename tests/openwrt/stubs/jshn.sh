# What is used of jshn.sh.
json_load() { loaded="$1"; }
json_get_var() { # variable, name
	local found
	found=$(printf '%s' "$loaded" | /usr/bin/python3 -c '
import json, sys
print(json.load(sys.stdin).get(sys.argv[1], ""))' "$2")
	eval "$1=\$found"
}
json_init() { json=''; }
json_put() { json="$json$(printf '%s\037' "$@" .)"; }
json_add_object() { json_put object "$1" ''; }
json_close_object() { json_put close '' ''; }
json_add_string() { json_put string "$1" "$2"; }
json_dump() { printf '%s' "$json" | /usr/bin/python3 -c '
import json, sys
opened = [{}]
words = sys.stdin.read().split("\37")
for kind, name, value in zip(words[::4], words[1::4], words[2::4]):
    if kind == "close":
        opened.pop()
        continue
    opened[-1][name] = {} if kind == "object" else value
    if kind == "object":
        opened.append(opened[-1][name])
print(json.dumps(opened[0]))'; }
