# provision's guard. What is saved, and the rollback: that goes back, the old state becomes live again, and both are proved.
#
#   left        the resources that do not show what they showed before; then the outcome is undo-failed, current/ stays with
#               all that was saved, and whoever finds it next tries again: the next boot, the next run, a person
#   undo.errors what the rollback complained of
#
# What is compared are rows, a line each. A plan may have its own (rows, holds, name_of), as src/undo/take-back.sh has.

tab=$(printf '\t')
nl='
'

roll_back() {
  mv -T pending undoing 2>/dev/null
  rm -f reserve left unchecked
  : >undo.errors
  restore_failed=
  back saved 2>>undo.errors || restore_failed=1
  again=
  for n in $undos; do sh -e ./guard.sh 'do' undo "$n" 2>/dev/null || again="$again $n"; done
  # Once more: one may need what another, whose turn came later, has brought back: a folder its owner.
  complained=
  for n in $again; do
    sh -e ./guard.sh 'do' undo "$n" 2>>undo.errors && continue
    complained=1
    echo "the undo of $(name_of "$n") failed" >>undo.errors
  done
  if [ -n "${PROVISION_BOOT-}" ]; then within=0; elif [ -n "$undos" ]; then quiet; fi
  prove "$(rows)"
  # Where an undo piece has failed, resources that could not be looked at count as not restored. Equal pieces ran once, so
  # nobody can tell whose failed.
  if [ -n "$complained" ] && [ -s unchecked ]; then unproved="${unproved:+$unproved$nl}$(cat unchecked)"; fi
  if [ -z "$restore_failed$unproved" ]; then
    rm -f unchecked asked
    finish undone
  else
    [ -z "$unproved" ] || names_of "$unproved" >left
    echo undo-failed >outcome
  fi
}

# What `paths` of the plan names, as it is now.
save() {
  clear_away saved
  mkdir saved
  paths >saved/paths
  n=0
  folders=
  set --
  while IFS= read -r path; do
    n=$((n + 1))
    if [ -L "$path" ] || [ -f "$path" ]; then
      copy "$path" "saved/$n"
    elif [ -d "$path" ]; then
      folders="$folders $n"
      set -- "$@" "$path"
    elif [ ! -e "$path" ]; then
      : >"saved/$n.absent"
    fi
  done <saved/paths
  [ "$#" = 0 ] || stat -c '%a %u:%g' "$@" | save_folders "$folders"
}

# Of the folders only the rights are kept, and most have the same.
save_folders() {
  usual=
  for n in $1; do
    read -r mode owner
    case "$mode $owner" in
      '755 0:0') usual="$usual saved/$n.folder" ;;
      *) mkdir -m "$mode" "saved/$n.folder" && chown "$owner" "saved/$n.folder" ;;
    esac
  done
  # shellcheck disable=SC2086
  [ -z "$usual" ] || mkdir -m 755 $usual
}

# back FOLDER: what is saved in it stands in its place again, folders that are gone first, and the outermost of them first.
back() {
  failed=
  n=0
  while IFS= read -r path; do
    n=$((n + 1))
    [ ! -d "$1/$n.folder" ] || [ -d "$path" ] || cp -a "$1/$n.folder" "$path" || failed=1
  done <"$1/paths"
  while [ "$n" -gt 0 ]; do
    path=$(sed -n "${n}p" "$1/paths")
    put_back "$1/$n" "$path" || { failed=1 && echo "could not put back $path" >&2; }
    n=$((n - 1))
  done
  sync -f /etc
  [ -z "$failed" ]
}

# On a full disk a copy fails where a second name for the saved file does not.
put_back() {
  rm -rf "$2.provision-new" "$2.provision-old"
  if [ -e "$1" ] || [ -L "$1" ]; then
    copy "$1" "$2.provision-old" || { rm -f "$2.provision-old" && ln "$1" "$2.provision-old"; } || return
    mv -fT "$2.provision-old" "$2"
  elif [ -e "$1.absent" ]; then
    if [ -d "$2" ] && [ ! -L "$2" ]; then rmdir --ignore-fail-on-non-empty "$2"; else rm -f "$2"; fi
  fi
}

# No job of systemd is under way: a restart that was only asked for looks like what it is about to end. Other people's jobs
# may take longer than we want to wait.
quiet() {
  pause=125
  uptime
  deadline=$((now + 10))
  while [ "$now" -lt "$deadline" ] && [ -n "$(systemctl list-jobs --no-legend)" ]; do nap; done
}

# prove ROWS: sets unproved to those that do not hold. Services may still be coming up, so these are looked at again, for $within
# seconds at most and ever more seldom: a look costs processes, and a small machine starts one in 30 ms.
prove() {
  unproved=$1
  pause=250
  uptime
  deadline=$((now + within))
  while [ -n "$unproved" ]; do
    unproved=$(printf '%s\n' "$unproved" | while IFS= read -r row; do proved "$row" || printf '%s\n' "$row"; done)
    if [ -z "$unproved" ] || [ "$now" -ge "$deadline" ]; then return; fi
    nap
  done
}

# Before anything is started nothing that runs can be as it was. What differs at boot, and has asked systemd, is proved by
# its files alone: they are back, or there is a complaint. Whoever asks nothing of systemd has to show what it showed.
proved() {
  [ -z "${PROVISION_BOOT-}" ] || rm -f "$current/asked"
  holds "$1" && return
  if [ -z "${PROVISION_BOOT-}" ] || [ ! -e "$current/asked" ]; then return 1; fi
  printf '%s\n' "$1" >>"$current/unchecked"
}

# Of the changes, all but those that only end something: that comes back by itself, or not at all.
rows() {
  for n in $changes; do
    case " $endings " in *" $n "*) ;; *) echo "$n" ;; esac
  done
}

holds() {
  eval "wanted=\$expect_$1"
  # shellcheck disable=SC2154
  [ "$(shown "$1" | sha256sum)" = "$wanted  -" ]
}

name_of() { sed -n "s/^$1$tab\([^$tab]*\)$tab.*/\1/p" what; }

names_of() { printf '%s\n' "$1" | while IFS= read -r row; do name_of "$row"; done; }

# Each twice as long as the one before, up to 4 s. Sets now, as uptime does.
nap() {
  sleep "$((pause / 1000)).$((pause % 1000))"
  [ "$pause" -ge 4000 ] || pause=$((pause * 2))
  uptime
}

# What a person can say at the console when a rollback has failed.
#   undo    try again
#   accept  it is good as it is now: the transaction ends, and nothing is touched
console() {
  if [ ! -d "$current" ]; then
    echo 'nothing is under way here'
    return
  fi
  if ! stale; then
    echo 'a run is at work here: wait until it has ended' >&2
    return 1
  fi
  case $1 in
    undo) settle 'somebody asked for it at the console' ;;
    accept)
      if ! grep -qx undo-failed "$current/outcome"; then
        echo 'nothing has been tried here yet: undo comes first' >&2
        return 1
      fi
      cd "$current" || return
      echo 'somebody accepted it as it is, at the console' >>why
      finish undone
      ;;
  esac
  if [ ! -d "$current" ]; then
    echo 'done: nothing is left to be undone here'
    return
  fi
  echo 'not as it was before:' >&2
  cat left undo.errors >&2 2>/dev/null
  return 1
}

