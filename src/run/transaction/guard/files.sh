# provision's guard. Files: put in their places, copied, cleared away.

# put FROM TO MODE OWNER: TO becomes FROM in one rename; missing folders are made for everybody to read. It is on the disk when
# all changes are committed: a power cut before that ends in a rollback.
put() {
  folder "${2%/*}"
  clear_away "$2.provision-new"
  cp "$1" "$2.provision-new"
  # A folder may hand its group on.
  if [ "$4" != root:root ] || [ -g "${2%/*}" ]; then chown "$4" "$2.provision-new"; fi
  chmod "$3" "$2.provision-new"
  mv -fT "$2.provision-new" "$2"
  printf '%s\n' "$2" >>"$current/written"
}

sync_written() {
  [ -e written ] || return 0
  set --
  while IFS= read -r path; do if [ -e "$path" ]; then set -- "$@" "$path"; fi; done <written
  sync -f . "$@"
}

folder() { [ -d "${1:-/}" ] || { folder "${1%/*}" && mkdir -m 0755 "$1"; }; }

# A process only where there is something.
clear_away() { if [ -e "$1" ] || [ -L "$1" ]; then rm -rf "$1"; fi; }

# A link is made anew: the `cp -a` of uutils (0.0.30) gives what a link points at the link's own mode, /dev/null too.
copy() {
  if [ -L "$1" ]; then
    ln -s "$(readlink "$1")" "$2" && chown -h "$(stat -c %u:%g "$1")" "$2"
  else
    cp -a "$1" "$2"
  fi
}

