#!/bin/sh
# A watcher's question to its gateway, and the answer. As root, by systemd, once for each connection to the socket of the
# watchers' account: whoever has a watcher's key can ask this, and nothing else here.
#
#   program ACCOUNT PREFIX      the account that devices share here, and how their own accounts begin
#
# stdin: PLACE SECONDS, the two words of news.sh (PLACE may be `-`); then ACCOUNT=PLACE lines, as gateway.sh takes them; then `end`.
# stdout: what these two print, and then `end`, to somebody who holds stdin open until then. What is not of this shape is answered
# with nothing.

PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077
shared=$1 prefix=$2 endpoints=''

read -r since seconds || exit 1
case $since in -) since='' ;; *[!A-Za-z0-9=\;_-]*) exit 1 ;; esac
case $seconds in '' | *[!0-9]* | ?????*) exit 1 ;; esac
while read -r line && [ "$line" != end ]; do
  case $line in *[!A-Za-z0-9=/_.:\$*[\]-]*) exit 1 ;; esac
  # Only of tunnels: neither of other logins nor of other ports.
  case ${line%%=*} in "$shared" | "$prefix"*) ;; *) exit 1 ;; esac
  endpoints="$endpoints $line"
done
[ "$line" = end ] || exit 1
# A place may hold `*` and `[`.
set -f
# Nobody waits for news any more once the watcher has gone; systemd ends what is left.
exec 3<&0 </dev/null
{ cat <&3; kill $$; } >/dev/null 2>&1 &
exec 3<&-
