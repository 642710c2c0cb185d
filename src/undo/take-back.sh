# How a run is taken back. The plan of such a transaction, and the look before it. $ids: what the run did to this host,
# newest first. Of each, history/ID holds the plan, what was saved before it, and what was seen after it.

tab=$(printf '\t')
gone='what that run had saved is no longer kept here'
oldest=
for id in $ids; do oldest="$id $oldest"; done

# planned ID COMMAND…: in a shell of its own that knows the plan of that transaction.
planned() (
  # shellcheck source=/dev/null
  . "$home/history/$1/plan.sh"
  shift
  "$@"
)

whole() {
  for id in $ids; do
    for part in plan.sh what seen saved/paths; do [ -r "$home/history/$id/$part" ] || return; done
  done
}

# strays SIDE ID…: the resources that do not show what they showed before those transactions (expect), or after them
# (seen). Where several of them changed one resource, the first of them counts.
strays() {
  side=$1
  known=$tab
  shift
  for id; do
    while IFS=$tab read -r n name _; do
      case $known in *"$tab$name$tab"*) continue ;; esac
      known=$known$name$tab
      [ "$(planned "$id" shown "$n" | sha256sum)" = "$(planned "$id" "$side" "$n")" ] || echo "$name"
    done <"$home/history/$id/what"
  done
}

seen() { sed -n "s/^@seen $1 //p" "$home/history/$id/seen" | tr -d '\n' | sha256sum; }
expect() { eval "echo \"\$expect_$1  -\""; }

listing() { sed ':more; N; $!b more; s/\n/, /g'; }

# Instead of the guard's own: is this still the last run here, and the host as it left it?
unmoved() {
  if ! whole; then
    echo "$gone" >&2
  elif [ "$(cd "$home/history" && standing | head -n 1)" != "${ids%% *}" ]; then
    echo 'another run has been here since it was looked at' >&2
  else
    # shellcheck disable=SC2086
    left=$(strays seen $ids | listing)
    if [ -z "$left" ]; then
      undoable
      return
    fi
    echo "no longer as that run left it: $left" >&2
  fi
  return 1
}

# Would taking it back do more than that? Says on stderr why.
undoable() {
  for id in $ids; do
    for n in $(planned "$id" eval 'echo ${undoables-}'); do planned "$id" "undoable_$n" || return; done
  done
}

# What the present state is put back from, when nobody confirms the one before.
paths() {
  {
    for id in $oldest; do cat "$home/history/$id/saved/paths"; done
    for id in $ids; do
      grep -qE '(user|group)(add|del|mod) ' "$home/history/$id/plan.sh" || continue
      printf '%s\n' /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /etc/subgid /etc/systemd/system/user@*.service
    done
  } | cat -n | sort -s -u -k 2 | sort -n | cut -f 2-
}

stage_0() { :; }
validate_0() { :; }
commit_0() {
  for id in $ids; do
    back "$home/history/$id/saved"
    for n in $(planned "$id" eval 'echo $undos'); do planned "$id" "undo_$n"; done
  done
}

# A home that goes with its account stays in history: people may have put something into it.
userdel() {
  for name; do :; done
  case $* in *--remove*) keep_home "$name" "$(getent passwd "$name" | cut -d : -f 6)" || return ;; esac
  command userdel --force "$name"
}

keep_home() {
  [ -d "$2" ] || return 0
  kept=$current/homes/$1
  mkdir -p "$current/homes" && echo "$2" >"$kept.path" && cp -a "$2" "$kept.part" && mv -T "$kept.part" "$kept" && rm -rf "$2"
}

# A restart that is under way would let us in by the very tunnel that it is about to end.
activate_0() {
  tries=100
  while [ "$tries" -gt 0 ] && [ -n "$(systemctl list-jobs --no-legend)" ]; do
    tries=$((tries - 1))
    sleep 0.1
  done
  # shellcheck disable=SC2086
  left=$(strays expect $oldest | listing)
  [ -n "$left" ] || return 0
  echo "not as it was before that run: $left" >&2
  return 1
}

# Files are back already. At boot nothing is waited for: what was enabled starts after us.
undo_0() {
  failed=
  for kept in "$current"/homes/*.path; do
    kept=${kept%.path}
    [ -d "$kept" ] || continue
    place=$(cat "$kept.path")
    rm -rf "$place" "$place.provision-old"
    { cp -a "$kept" "$place.provision-old" && mv -T "$place.provision-old" "$place" && mv -T "$kept" "$kept.back"; } || failed=1
    rm -rf "$kept.back"
  done
  for id in $oldest; do
    for n in $(planned "$id" eval 'echo $bare'); do
      [ "$(planned "$id" shown "$n" | sha256sum)" = "$(seen "$n")" ] || again "commit_$n"
    done
    for n in $(planned "$id" eval 'echo $activations'); do again "activate_$n"; done
  done
  [ -z "$failed" ] || [ -n "${PROVISION_BOOT-}" ]
}

# Beside us, so that `sh -e` means it.
again() {
  planned "$id" "$1" &
  wait "$!" || failed=1
}

# What `provision undo` asks first: the last run, who began it, what it did, and what is no longer as it left it.
look() {
  cd "$home/history" 2>/dev/null || return 0
  last=$(standing | head -n 1)
  [ -n "$last" ] || return 0
  ids=$(standing | grep -xE "${last%-*}(-[0-9]+)?" | tr '\n' ' ')
  ids=${ids% }
  echo "@run $ids"
  echo "@who $(base64 -w0 <"$last/who")"
  if ! whole; then
    echo "@gone $(echo "$gone" | base64 -w0)"
    return
  fi
  for id in $ids; do sed 's/^[0-9]*\t//' "$id/what" | while IFS= read -r line; do echo "@what $(printf %s "$line" | base64 -w0)"; done; done
  # shellcheck disable=SC2086
  strays seen $ids | while IFS= read -r name; do echo "@moved $(printf %s "$name" | base64 -w0)"; done
}
