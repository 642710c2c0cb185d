# How a run is undone. The plan of such a transaction, and the look before it. $ids: what the run did to this host,
# newest first. Of each, history/ID holds the plan, what was saved before it, and what was seen after it.
#
# Rows of the proof: SIDE ID N NAME. A side is `expect`, what a resource showed before the run, or `seen`, what it showed after.

tab=$(printf '\t')
nl='
'
gone='the files that this run saved are no longer kept here'
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
    for part in plan.sh what seen/. saved/paths; do [ -r "$home/history/$id/$part" ] || return; done
  done
}

# sides SIDE ID…: of each resource that the run changed. What it shows may have been moved by other steps than those that
# changed it, so the first of these transactions counts that looked at it: oldest first for `expect`, newest for `seen`.
sides() {
  side=$1
  known=$tab
  shift
  changed=$(for id; do cut -f 2 "$home/history/$id/what"; done)
  for id; do
    endings=$(planned "$id" eval 'echo "${endings-}"')
    looked=$home/history/$id/resources
    # Where it is missing, only the changes are known.
    [ -r "$looked" ] || looked=$home/history/$id/what
    while IFS=$tab read -r n name _; do
      case $nl$changed$nl in *"$nl$name$nl"*) ;; *) continue ;; esac
      case $known in *"$tab$name$tab"*) continue ;; esac
      case " $endings " in *" $n "*) continue ;; esac
      "knows_$side" "$n" || continue
      known=$known$name$tab
      echo "$side $id $n $name"
    done <"$looked"
  done
}

knows_expect() { grep -q "^expect_$1=" "$home/history/$id/plan.sh"; }
knows_seen() { [ -e "$home/history/$id/seen/$1" ]; }

holds() {
  # shellcheck disable=SC2086
  set -- $1
  id=$2
  [ "$(planned "$2" shown "$3" | sha256sum)" = "$(planned "$2" "$1" "$3")" ]
}

seen() { sha256sum <"$home/history/$id/seen/$1"; }
expect() { eval "echo \"\$expect_$1  -\""; }

# Of an undo that is itself undone: what the run had made is there again.
rows() {
  # shellcheck disable=SC2086
  sides seen $ids
}

name_of() {
  case $1 in
    *' '*) echo "$1" | cut -d ' ' -f 4- ;;
    *) echo 'what that run had made' ;;
  esac
}

# strays ROWS: the names of those that do not hold now.
strays() {
  printf '%s\n' "$1" | while IFS= read -r row; do
    [ -z "$row" ] || holds "$row" || name_of "$row"
  done
}

listing() { sed ':more; N; $!b more; s/\n/, /g'; }

# Instead of the guard's own: is this still the last run here, and the host as it left it?
unmoved() {
  if ! whole; then
    echo "$gone" >&2
  elif [ "$(cd "$home/history" && standing | head -n 1)" != "${ids%% *}" ]; then
    echo 'another run has changed this host in the meantime' >&2
  else
    # shellcheck disable=SC2086
    left=$(strays "$(sides seen $ids)" | listing)
    if [ -z "$left" ]; then
      undoable
      return
    fi
    echo "changed since that run: $left" >&2
  fi
  return 1
}

# Would the undo do more than that? Says on stderr why.
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
      grep -qE '((user|group)(add|del|mod)|chage) ' "$home/history/$id/plan.sh" || continue
      printf '%s\n' /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /etc/subgid /etc/systemd/system/user@*.service
    done
  } | cat -n | sort -s -u -k 2 | sort -n | cut -f 2-
}

commit_0() {
  for id in $ids; do
    back "$home/history/$id/saved"
    later=
    for n in $(planned "$id" eval 'echo $undos'); do tried "undo_$n" 2>/dev/null || later="$later $n"; done
    # As in the guard's own rollback.
    for n in $later; do tried "undo_$n"; done
  done
}

# Beside us, so that `sh -e` means it.
tried() {
  planned "$id" "$1" &
  wait "$!"
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
  mkdir -p "$current/homes" && echo "$2" >"$kept.path" && copy_all "$2" "$kept.part" && mv -T "$kept.part" "$kept" && rm -rf "$2"
}

# A folder with all that is in it, links too: see copy. Other coreutils than GNU's are not trusted with them.
copy_all() {
  case $(cp --version 2>/dev/null) in
    *GNU*) cp -a "$1" "$2" ;;
    *)
      mkdir "$2.new" && tar -C "${1%/*}" --format=pax -cf "$2.tar" "${1##*/}" && tar -C "$2.new" --numeric-owner -xpf "$2.tar" || return
      mv -T "$2.new/${1##*/}" "$2" && rm -r "$2.new" "$2.tar"
      ;;
  esac
}

# A restart that is under way would let us in by the very tunnel that it is about to end.
activate_0() {
  quiet
  # shellcheck disable=SC2086
  prove "$(sides expect $oldest)"
  [ -n "$unproved" ] || return 0
  echo "not as it was before that run: $(names_of "$unproved" | listing)" >&2
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
    { copy_all "$kept" "$place.provision-old" && mv -T "$place.provision-old" "$place" && mv -T "$kept" "$kept.back"; } || failed=1
    rm -rf "$kept.back"
  done
  for id in $oldest; do
    for n in $(planned "$id" eval 'echo $bare'); do
      [ "$(planned "$id" shown "$n" | sha256sum)" = "$(seen "$n")" ] || tried "commit_$n" || failed=1
    done
    for n in $(planned "$id" eval 'echo $activations'); do tried "activate_$n" || failed=1; done
  done
  [ -z "$failed" ] || [ -n "${PROVISION_BOOT-}" ]
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
  strays "$(sides seen $ids)" | while IFS= read -r name; do echo "@moved $(printf %s "$name" | base64 -w0)"; done
}
