# provision's guard. What the admin's connection says to it; the connection only watches, and may go away at any moment.
#
#   apply INCOMING  take the lock, hand the transaction over to a systemd unit of its own, then watch
#   watch ID        print how it stands as soon as somebody has to confirm it, or it has ended
#   confirm ID      keep the change: one rename, against the guard's own rename to roll back
#   abandon ID WHY  roll back now instead of at the deadline
#
# Answers in lines: @locked WHO, @packed BASE64, @failed PHASE N CODE BASE64, @undo BASE64, @left BASE64, @outcome WORD.
# Packed by gzip is what resources showed: their sizes with their numbers, a line each, an empty line, and then one after the other.
#
#   unit  the name of the guard's unit: no transaction depends on what systemd still holds of an earlier one

talk() {
  id=$2
  # What the login printed may have no line end.
  echo
  case $1 in
    apply) apply "$2" ;;
    watch) watch ;;
    confirm)
      find_it
      [ "$here" = "$current" ] && mv -T "$current/pending" "$current/confirmed" 2>/dev/null && notify
      watch
      ;;
    abandon)
      find_it
      if [ "$here" = "$current" ]; then
        rm -f "$current/reserve"
        printf '%s\n' "$3" >"$current/why"
        : >"$current/abandon"
        notify
        while [ -e "$current/pending" ] && ! stale; do sleep 0.05; done
      fi
      watch
      ;;
  esac
}

apply() {
  [ -d "$home/history" ] || mkdir -p "$home/history"
  read -r id <"$1/id"
  IFS= read -r who <"$1/who"
  start_time $$
  printf '%s\n' "$$ $started" "$who" >"$1/holder"
  if ! mv -T "$1" "$current" 2>/dev/null; then
    stale && settle 'the run that began it went away'
    if ! mv -T "$1" "$current" 2>/dev/null; then
      rm -rf "$1"
      locked
      return
    fi
  fi
  # What runs that were killed while they sent had not handed over.
  for left in "$home"/incoming.*; do [ -e "/proc/${left##*.}" ] || clear_away "$left"; done
  cd "$current" || return
  if ! start; then
    echo 'start 0 1' >failed
    finish rejected
  else
    # It is the guard's now: were the guard stopped, we would wait for nobody.
    printf '%s\n' '0 0' "$who" >holder.new && mv holder.new holder
  fi
  watch
}

# Who holds the host. A rollback that failed holds it, too, until it is proved or accepted.
locked() {
  who=$(sed 1d "$current/holder" 2>/dev/null | base64 -w0)
  if grep -qx undo-failed "$current/outcome" 2>/dev/null; then
    here=$current
    echo "@failed earlier 0 1 $who"
    complaints
    echo '@outcome undo-failed'
  else
    echo "@locked $who"
  fi
}

# The same transaction may have been sent before: then systemd may still hold the name.
start() {
  read -r base <unit || return
  for name in "$base" "$base-again"; do
    systemd-run --quiet --collect --unit="$name.service" --property=Restart=on-failure --property=RestartSec=100ms \
      --property=OOMScoreAdjust=-900 /bin/sh "$current/guard.sh" run 2>why && return
    grep -q already why || return
  done
  return 1
}

# The guard looks up. Opened to be read as well, for nobody may be there to read it.
notify() { [ ! -p "$current/wakeup" ] || echo 1<>"$current/wakeup"; }

# Sets started: when a process was (proc(5), field 22). With it a number that was given out again is told apart.
start_time() {
  started=
  read -r stat 2>/dev/null <"/proc/$1/stat" || return
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  started=${20}
}

# Neither the shell that took the lock nor the guard that it was handed to is alive.
stale() {
  read -r pid born 2>/dev/null <"$current/holder" || return 1
  start_time "$pid"
  [ "$started" != "$born" ] && ! alive
}

# A guard that was killed and is about to be started again settles it by itself: two would be in each other's way.
alive() {
  # As a provision called it that gave all of them one name.
  unit=provision-guard
  read -r unit 2>/dev/null <"$current/unit"
  state=$(systemctl is-active "$unit.service" "$unit-again.service") && return
  case $state in *activating* | *reloading*) ;; *) return 1 ;; esac
}

# Where the transaction is: current while it lives, history afterwards.
find_it() {
  here=
  found=
  read -r found 2>/dev/null <"$current/id"
  if [ "$found" = "$id" ]; then
    here=$current
  elif [ -e "$home/history/$id" ]; then
    here=$home/history/$id
  fi
}

watch() {
  free=0
  while :; do
    find_it
    if [ -z "$here" ]; then
      echo '@outcome never'
      return
    fi
    outcome=
    read -r outcome 2>/dev/null <"$here/outcome"
    if [ "$here" != "$current" ] || [ "$outcome" = undo-failed ]; then
      ended
      return
    fi
    if [ -e "$here/waiting" ] && [ -e "$here/pending" ]; then
      print_seen
      echo '@outcome waiting'
      return
    fi
    # Nothing new, and nobody holds the lock: the guard has not begun, or it is no more, or there is no flock.
    if [ "$free" -gt 1 ]; then
      if [ $((free % 10)) = 3 ]; then
        echo @
        if stale; then settle 'the guard went away'; fi
      fi
      sleep 0.1
    fi
    # The guard holds this lock until the moment that is waited for. The lines of a single @ are a heartbeat: once the
    # connection is gone, writing one ends this process.
    if [ -e "$here/waiting" ]; then held=$here/id; else held=$here/plan.sh; fi
    flock -s -w 1 -E 75 7 2>/dev/null 7<"$held"
    if [ $? = 75 ]; then
      echo @
      free=0
    else
      free=$((free + 1))
    fi
  done
}

# Of a change that is kept it was printed before.
ended() {
  if [ "$outcome" != confirmed ]; then
    [ ! -e "$here/seen" ] || print_seen
    echo "@failed $(cat "$here/failed") $(base64 -w0 <"$here/why")"
    complaints
  fi
  echo "@outcome $outcome"
}

print_seen() {
  packed=$(cd "$here/seen" && { wc -c -- * && echo && cat -- *; } | gzip -c | base64 -w0)
  echo "@packed $packed"
}

complaints() {
  [ ! -s "$here/undo.errors" ] || echo "@undo $(base64 -w0 <"$here/undo.errors")"
  [ ! -s "$here/left" ] || echo "@left $(base64 -w0 <"$here/left")"
}

