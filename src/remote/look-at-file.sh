# PATH: prints `file`, its mode, its bytes and its whole path, a line each; or one word that tells why it cannot be read.
no() {
  echo "$1"
  exit 0
}
case $1 in
\~/*) from=./${1#??} ;;
/*) from=$1 ;;
*) from=./$1 ;;
esac
if [ -d "$from" ]; then no folder; fi
if [ ! -e "$from" ]; then no missing; fi
if [ ! -f "$from" ]; then no special; fi
if [ ! -r "$from" ]; then no denied; fi
case $from in ./*) from=$(pwd -P)/${from#./} ;; esac
printf 'file\n'
stat -L -c '%a' -- "$from"
stat -L -c '%s' -- "$from"
printf '%s\n' "$from"
