# The guard: owns one transaction on this host, from staging to a confirmed or a rolled back end. watch.sh, history.sh,
# files.sh and rollback.sh stand in front of it: together they are one program, sent with every apply and kept
# beside the transaction, so that this host can finish alone. Needs a POSIX sh, coreutils and systemd; with util-linux's flock(1)
# those who watch hear at once how it stands, and look ten times a second where there is none.
#
#   run   stage, validate, save, commit, activate, inspect, wait for a confirmation, else roll back
#   do    phases of all changes, or the undo of one, in a process of its own
#   boot  what a power cut left behind is rolled back before anything is started
#   undo, accept   for a person at the console, after a rollback that failed
#
# current/ is the lock and the transaction at once. In it, one of these tells where it stands:
#   (none)     nothing live was touched     pending   something live may be touched, nobody has confirmed
#   confirmed  it stays                     undoing   it is being put back, or could not be (outcome)
# reserve is room on the disk for the words that tell how it ended, when the disk is full. The guard holds plan.sh until
# somebody has to confirm, and id until the end, for those who watch; wakeup is where it hears who confirms or abandons.

home=/var/lib/provision
current=$home/current
boot_unit=/etc/systemd/system/provision-recover.service
boot_link=/etc/systemd/system/sysinit.target.wants/provision-recover.service
# plan.sh sets these: the numbers of the changes, in the order in which each phase takes them; those that only end
# something; seconds to wait for a confirmation, and after a rollback for what has to come up again.
changes='' activations='' undos='' inspects='' endings='' confirm_within=60 within=30

run() {
  if [ -e pending ] || [ -e undoing ] || [ -e confirmed ]; then
    settle 'the guard was killed'
    return
  fi
  # Of a guard that was killed here.
  clear_away stage
  clear_away wakeup
  # Kept open, or a wakeup between two reads is lost.
  mkfifo wakeup && exec 7<>wakeup
  # Waits a second at most: a watcher that was stopped may hold one of these locks.
  exec 8<id 9<plan.sh
  { flock -w 1 8 && flock -w 1 9; } 2>/dev/null
  # shellcheck source=/dev/null
  . ./plan.sh
  if ! take unmoved stage validate save arm; then
    finish rejected
    return
  fi
  if ! take commit activate; then
    roll_back
    return
  fi
  clear_away seen.new
  mkdir seen.new
  # shellcheck disable=SC2086
  look_at seen.new $inspects
  mv -T seen.new seen
  : >waiting
  exec 9<&-
  uptime
  deadline=$((now + confirm_within))
  while [ -e pending ] && [ ! -e abandon ] && [ "$now" -lt "$deadline" ]; do
    if [ -p wakeup ]; then timeout 1 head -c 1 <&7 >/dev/null; else sleep 0.25; fi
    uptime
  done
  if mv -T pending undoing 2>/dev/null; then
    [ -e abandon ] || echo "nobody confirmed within $confirm_within s" >why
    echo 'confirm 0 1' >failed
    roll_back
  else
    finish confirmed
  fi
}

# Sets now: seconds that no setting of the clock can change.
uptime() {
  read -r now _ </proc/uptime
  now=${now%.*}
}

# Takes all changes through these phases, in a process of its own, so that `sh -e` means it. What it says on 3 is where it is.
take() {
  place=$(sh -e ./guard.sh 'do' "$@" 3>&1 >&2) && return
  set -- "${place##*"$nl"}" $?
  if [ ! -s why ] && df -P . | grep -q ' 100% '; then full=1; fi
  rm -f reserve
  [ -z "${full-}" ] || echo "no space left on the file system of $home" >why
  echo "$@" >failed
  return 1
}

phases() {
  for phase; do
    echo "$phase 0" >&3
    case $phase in
      unmoved) unmoved 2>why ;;
      save) save 2>why ;;
      arm) arm 2>why ;;
      activate) pieces "$activations" ;;
      *)
        [ "$phase" != stage ] || make_stages
        pieces "$changes"
        [ "$phase" != commit ] || sync_written 2>why
        ;;
    esac
  done
}

make_stages() {
  set --
  for n in $changes; do set -- "$@" "$current/stage/$n"; done
  mkdir -p "$@" 2>why
}

# Each in a shell of its own: what it sets and where it goes, the next one does not meet.
pieces() {
  for n in $1; do
    command -v "${phase}_$n" >/dev/null || continue
    echo "$phase $n" >&3
    (stage=$current/stage/$n && export stage && "${phase}_$n") 2>why 3>&-
  done
}

undo_piece() {
  # At boot, a start that waits would wait for us.
  [ -z "${PROVISION_BOOT-}" ] || systemctl() { command systemctl --no-block "$@"; }
  "undo_$1"
}

# Are all of them still what the plan was made from?
unmoved() {
  clear_away now
  mkdir now
  # shellcheck disable=SC2086
  look_at now $changes
  sums=$(sha256sum now/*)
  while read -r sum file; do
    n=${file#now/}
    eval "wanted=\$expect_$n"
    # shellcheck disable=SC2154
    [ "$sum" != "$wanted" ] || continue
    echo "unmoved $n" >&3
    echo 'it has changed since it was looked at' >&2
    return 1
  done <<END
$sums
END
}

# look_at FOLDER N…: what these resources show now, in a file for each. In a shell of its own: what was asked for them is out of
# date after a rollback. No -e here: an older sshd fails at `-V`, and says what is wanted all the same.
look_at() (
  set +e
  folder=$1
  shift
  asks
  for n; do ("inspect_$n") >"$folder/$n"; done
  :
) </dev/null 2>/dev/null

# Questions that several looks share, answered once for those that follow; a plan has its own.
asks() { :; }

shown() { (set +e && "inspect_$1") </dev/null 2>/dev/null; }

# From here on a power cut ends in a rollback. The unit is read at the next boot, so nothing has to be reloaded now.
arm() {
  echo '[Unit]
Description=Undo what provision had not confirmed when the power went
DefaultDependencies=no
RequiresMountsFor=/var/lib/provision /etc
After=local-fs.target systemd-remount-fs.service
Before=basic.target shutdown.target
Conflicts=shutdown.target
ConditionPathExists=/var/lib/provision/current

[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/provision/current/guard.sh boot' >"$boot_unit"
  chmod 0644 "$boot_unit"
  folder "${boot_link%/*}"
  ln -sfn "$boot_unit" "$boot_link"
  sync -f "$boot_unit" .
  : >pending
  sync -f .
}

# What was left behind comes to its end.
settle() {
  cd "$current" || return
  rm -f outcome reserve
  # Ours now: whoever else finds it left behind leaves it to us.
  { start_time $$ && echo "$$ $started"; sed 1d holder; } >holder.new 2>/dev/null && mv holder.new holder
  # shellcheck source=/dev/null
  [ -r plan.sh ] && . ./plan.sh
  [ -e failed ] || echo 'interrupted 0 1' >failed
  [ -s why ] || echo "$1" >why
  if [ -e confirmed ]; then
    finish confirmed
  elif [ -e pending ] || [ -e undoing ]; then
    roll_back
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
      shift
      if [ "$1" = undo ]; then undo_piece "$2"; else phases "$@"; fi
      ;;
    boot)
      PROVISION_BOOT=1
      export PROVISION_BOOT
      systemctl() { : >"$current/asked" && command systemctl "$@"; }
      settle 'the power went before it was confirmed'
      ;;
    undo | accept) console "$1" ;;
    *) talk "$@" ;;
  esac
}

if :; then main "$@" </dev/null; fi
