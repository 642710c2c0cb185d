# provision's guard. What becomes of a transaction that has ended: it moves to history/ID with all that it had saved, so
# that its run can be taken back. An id is RUN-STEP. Of each kind the last three runs are kept.
#
#   number  the order in which they ended, whatever the clock says
#   what    a line for each change: its number, its resource and what is done to it, parted by tabs
#   undoes  of an undo that was asked for: the ids that it takes back

finish() {
  cd "$current" || return
  rm -rf stage reserve
  echo "$1" >outcome
  disarm
  last=$(cat "$home"/history/*/number 2>/dev/null | sort -n | tail -n 1)
  echo $((${last:-0} + 1)) >number
  if [ "$1" = confirmed ] && [ -e undoes ]; then
    while read -r taken; do echo taken-back >"$home/history/$taken/outcome"; done <undoes
  fi
  place=$home/history/$(cat id)
  rm -rf "$place"
  mv -T "$current" "$place"
  cd "$home/history" || return
  sync -f .
  for kind in confirmed failed undo taken-back; do keep "$kind"; done
}

# The ids of one kind, newest first.
listed() {
  for id in *; do
    read -r how 2>/dev/null <"$id/outcome" || continue
    case $how in
      undone | rejected) how=failed ;;
      confirmed) [ ! -e "$id/undoes" ] || how=undo ;;
    esac
    [ "$how" != "$1" ] || echo "$(cat "$id/number" 2>/dev/null || echo 0) $id"
  done | sort -rn | cut -d ' ' -f 2
}

keep() {
  kept=' '
  count=0
  listed "$1" | while read -r id; do
    case $kept in *" ${id%-*} "*) continue ;; esac
    if [ "$count" -lt 3 ]; then
      kept="$kept${id%-*} "
      count=$((count + 1))
    else
      rm -rf "$id"
    fi
  done
}

