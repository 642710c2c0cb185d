# The guard: owns one transaction on this host, from staging to a confirmed or an undone end. guard-watch.sh and
# guard-history.sh stand in front of it: together they are one program, sent with every apply and kept beside the
# transaction, so that this host can finish alone. Needs a POSIX sh, coreutils and systemd; with util-linux's flock(1)
# those who watch hear at once how it stands, and look ten times a second where there is none.
#
#   run   stage, validate, save, commit, activate, inspect, wait for a confirmation, else undo
#   do    one piece of the plan, in a process of its own
#   boot  what a power cut left behind is undone before anything is started
#
# current/ is the lock and the transaction at once. In it, one of these tells where it stands:
#   (none)     nothing live was touched     pending   something live may be touched, nobody has confirmed
#   confirmed  it stays                     undoing   it is being put back
# reserve is room on the disk for the words that tell how it ended, when the disk is full. The guard holds plan.sh until
# somebody has to confirm, and id until the end, for those who watch; word is where it hears who confirms or abandons.

home=/var/lib/provision
current=$home/current
boot_unit=/etc/systemd/system/provision-recover.service
boot_link=/etc/systemd/system/sysinit.target.wants/provision-recover.service
# plan.sh sets these: the numbers of the changes, in the order in which each phase takes them; seconds to wait.
changes='' activations='' undos='' inspects='' patience=60

# put FROM TO MODE OWNER: TO becomes FROM in one rename; missing folders are made for everybody to read.
put() {
  folder "${2%/*}"
  rm -rf "$2.provision-new"
  cp "$1" "$2.provision-new"
  chown "$4" "$2.provision-new"
  chmod "$3" "$2.provision-new"
  sync -f "$2.provision-new"
  mv -fT "$2.provision-new" "$2"
}

folder() { [ -d "${1:-/}" ] || { folder "${1%/*}" && mkdir -m 0755 "$1"; }; }

run() {
  if [ -e pending ] || [ -e undoing ] || [ -e confirmed ]; then
    settle 'the guard was killed'
    return
  fi
  # Of a guard that was killed here.
  rm -rf stage word
  # Open as long as we live, or what is said between two looks is lost.
  mkfifo word && exec 7<>word
  # Not waited for long: a watcher that was stopped may have one of them in its hand.
  exec 8<id 9<plan.sh
  { flock -w 1 8 && flock -w 1 9; } 2>/dev/null
  # shellcheck source=/dev/null
  . ./plan.sh
  if ! { each unmoved "$changes" && each stage "$changes" && each validate "$changes" && step save 0 && step arm 0; }; then
    finish rejected
    return
  fi
  if ! { each commit "$changes" && each activate "$activations"; }; then
    undo
    return
  fi
  for n in $inspects; do echo "@seen $n $(shown "$n")"; done >seen.new
  mv seen.new seen
  : >waiting
  exec 9<&-
  uptime
  deadline=$((now + patience))
  while [ -e pending ] && [ ! -e abandon ] && [ "$now" -lt "$deadline" ]; do
    if [ -p word ]; then timeout 1 head -c 1 <&7 >/dev/null; else sleep 0.25; fi
    uptime
  done
  if mv -T pending undoing 2>/dev/null; then
    [ -e abandon ] || echo "nobody confirmed within $patience s" >why
    echo 'confirm 0 1' >failed
    undo
  else
    finish confirmed
  fi
}

# Sets now: seconds that no setting of the clock can change.
uptime() {
  read -r now _ </proc/uptime
  now=${now%.*}
}

each() { for n in $2; do step "$1" "$n" || return; done; }

# In a process of its own, so that `sh -e` means it.
step() {
  stage=$current/stage/$2 sh -e ./guard.sh 'do' "$1" "$2" 2>why && return
  set -- "$@" $?
  if [ ! -s why ] && df --output=pcent . | grep -qx ' *100%'; then full=1; fi
  rm -f reserve
  [ -z "${full-}" ] || echo "no space left on the file system of $home" >why
  echo "$@" >failed
  return 1
}

piece() {
  case $1 in
    unmoved) unmoved "$2" ;;
    save) save ;;
    arm) arm ;;
    stage)
      mkdir -p "${stage:?}"
      "stage_$2"
      ;;
    undo)
      # At boot, a start that waits would wait for us.
      [ -z "${PROVISION_BOOT-}" ] || systemctl() { command systemctl --no-block "$@"; }
      "undo_$2"
      ;;
    *) "$1_$2" ;;
  esac
}

# Is it still what the plan was made from?
unmoved() {
  eval "wanted=\$expect_$1"
  # shellcheck disable=SC2154
  [ "$(shown "$1" | sha256sum)" = "$wanted  -" ] && return
  echo 'it has changed since it was looked at' >&2
  return 1
}

shown() { (set +e && "inspect_$1") </dev/null 2>/dev/null | base64 -w0; }

save() {
  rm -rf saved
  mkdir saved
  paths >saved/paths
  n=0
  while IFS= read -r path; do
    n=$((n + 1))
    if [ -L "$path" ] || [ -f "$path" ]; then
      cp -a "$path" "saved/$n"
    elif [ -d "$path" ]; then
      mkdir "saved/$n.folder"
      chown --reference="$path" "saved/$n.folder"
      chmod --reference="$path" "saved/$n.folder"
    elif [ ! -e "$path" ]; then
      : >"saved/$n.absent"
    fi
  done <saved/paths
}

# From here on a power cut ends in an undo. The unit is read at the next boot, so nothing has to be reloaded now.
arm() {
  cat >"$boot_unit" <<'UNIT'
[Unit]
Description=Undo what provision had not confirmed when the power went
DefaultDependencies=no
RequiresMountsFor=/var/lib/provision /etc
After=local-fs.target systemd-remount-fs.service
Before=basic.target shutdown.target
Conflicts=shutdown.target
ConditionPathExists=/var/lib/provision/current

[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/provision/current/guard.sh boot
UNIT
  chmod 0644 "$boot_unit"
  folder "${boot_link%/*}"
  ln -sfn "$boot_unit" "$boot_link"
  sync -f "$boot_unit" .
  : >pending
  sync -f .
}

disarm() { rm -f "$boot_link" "$boot_unit"; }

undo() {
  mv -T pending undoing 2>/dev/null
  rm -f reserve
  : >undo.errors
  back saved 2>>undo.errors
  for n in $undos; do sh -e ./guard.sh 'do' undo "$n" 2>>undo.errors || echo "the undo of change $n failed" >>undo.errors; done
  if grep -q 'could not put back' undo.errors; then echo undo-failed >outcome; else finish undone; fi
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
    cp -a "$1" "$2.provision-old" || { rm -f "$2.provision-old" && ln -P "$1" "$2.provision-old"; } || return
    mv -fT "$2.provision-old" "$2"
  elif [ -e "$1.absent" ]; then
    if [ -d "$2" ] && [ ! -L "$2" ]; then rmdir --ignore-fail-on-non-empty "$2"; else rm -f "$2"; fi
  fi
}

# What was left behind comes to its end.
settle() {
  cd "$current" || return
  rm -f outcome reserve
  # shellcheck source=/dev/null
  [ -r plan.sh ] && . ./plan.sh
  [ -e failed ] || echo 'interrupted 0 1' >failed
  [ -s why ] || echo "$1" >why
  if [ -e confirmed ]; then
    finish confirmed
  elif [ -e pending ] || [ -e undoing ]; then
    undo
  else
    finish rejected
  fi
}

main() {
  umask 077
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  LC_ALL=C
  export PATH LC_ALL
  case $1 in
    run) cd "$current" && run ;;
    'do')
      cd "$current" || return
      # shellcheck source=/dev/null
      . ./plan.sh
      piece "$2" "$3"
      ;;
    boot)
      PROVISION_BOOT=1
      export PROVISION_BOOT
      settle 'the power went before it was confirmed'
      ;;
    *) talk "$@" ;;
  esac
}

if :; then main "$@" </dev/null; fi
