# provision's guard. What becomes of a transaction that has ended: it moves to history/ID with all that it had saved, so
# that its run can be taken back. An id is RUN-STEP. Of each kind the last three runs are kept.
#
#   number  the order in which they ended, whatever the clock says
#   what    a line for each change: its number, its resource, what is done to it, and its effect, parted by tabs
#   undoes  of an undo that was asked for: the ids that it takes back

finish() {
  cd "$current" || return
  # With what undoes it at boot: whichever end this is, the host is wholly in it.
  rm -rf stage now written reserve wakeup "$boot_link" "$boot_unit"
  echo "$1" >outcome
  last=0
  for file in "$home"/history/*/number; do
    number=
    read -r number 2>/dev/null <"$file"
    [ "${number:-0}" -le "$last" ] || last=$number
  done
  echo $((last + 1)) >number
  if [ "$1" = confirmed ] && [ -e undoes ]; then
    while read -r taken; do echo taken-back >"$home/history/$taken/outcome"; done <undoes
  fi
  read -r own <id
  place=$home/history/$own
  clear_away "$place"
  mv -T "$current" "$place"
  cd "$home/history" || return
  sync -f .
  tidy
}

# A kind and an id on each line, the newest of a kind first.
listed() {
  for id in *; do
    read -r how 2>/dev/null <"$id/outcome" || continue
    case $how in
      undone | rejected) how=failed ;;
      confirmed) [ ! -e "$id/undoes" ] || how=undo ;;
    esac
    number=
    read -r number 2>/dev/null <"$id/number"
    echo "$how ${number:-0} $id"
  done | sort -k 1,1 -k 2,2rn | cut -d ' ' -f 1,3
}

# Those that an undo can take back, newest first.
standing() { listed | sed -n 's/^confirmed //p'; }

# No more runs than are kept of one kind.
few() {
  runs=' '
  count=0
  for each in *; do
    case $runs in *" ${each%-*} "*) continue ;; esac
    runs="$runs${each%-*} "
    count=$((count + 1))
  done
  [ "$count" -le 3 ]
}

tidy() {
  few && return
  last=
  listed | while read -r kind id; do
    if [ "$kind" != "$last" ]; then
      last=$kind
      kept=' '
      count=0
    fi
    case $kept in *" ${id%-*} "*) continue ;; esac
    if [ "$count" -lt 3 ]; then
      kept="$kept${id%-*} "
      count=$((count + 1))
    else
      rm -rf "$id"
    fi
  done
}
