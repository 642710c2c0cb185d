# PATH NAME WORD: where a file called NAME goes that is sent to PATH, and an empty file of our own beside that place,
# with WORD in its name. Prints three lines: `room`, our file, the place; or two: one word that tells why not, the path.
no() {
  printf '%s\n%s\n' "$1" "$to"
  exit 0
}
case $1 in
'' | \~) to=. ;;
\~/*) to=./${1#??} ;;
/*) to=$1 ;;
*) to=./$1 ;;
esac
if [ -d "$to" ]; then
  to=${to%/}/$2
else
  case $to in */) no missing ;; esac
fi
# What a link points to is replaced, and not the link.
if [ -L "$to" ]; then to=$(readlink -f -- "$to") || no missing; fi
if [ -d "$to" ]; then no folder; fi
if [ -e "$to" ] && [ ! -f "$to" ]; then no special; fi
name=${to##*/}
folder=${to%/*}
folder=$(CDPATH='' cd -- "${folder:-/}" && pwd -P) || no missing
to=${folder%/}/$name
beside=${folder%/}/.provision-$3
(umask 077 && set -C && : >"$beside") || no denied
printf 'room\n%s\n%s\n' "$beside" "$to"
