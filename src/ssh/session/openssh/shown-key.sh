# ssh's KnownHostsCommand: notes the key that a host shows, and knows none.
# Called with: why it is called, the key's type, the key, where to note it.
[ "$1" != HOSTNAME ] || printf '%s %s\n' "$2" "$3" >"$4"
