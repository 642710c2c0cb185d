#!/bin/sh
# Made by provision. What the kernel's command line has a fresh Raspberry Pi OS run (bookworm, the first trixie) before anything
# that people or services need. It installs the seed and then runs the card's own firstrun.sh as it is: that may exit, exec,
# kill its group, reboot, remove itself and take words out of cmdline.txt. With `end` it only removes what had it run.
#
# Whatever fails, the system boots on so that people can log in, and all is tried again at the next boot. It reboots only where
# the next boot will be another one; a firstrun.sh that never comes to its end is left out after $most starts.

boot=/boot/firmware
name=provision-start.sh
seed=$boot/provision-seed.sh
theirs=$boot/firstrun.sh
starts=/var/lib/provision/first-boot/starts
most=8
units=/usr/local/lib/systemd/system

say() { echo "provision: $*" >&2; }

named() { grep -q "systemd\.run=[^ ]*$name" "$boot/cmdline.txt"; }
# firstrun.sh has put something there to be run instead.
followed() { ! named && grep -q ' systemd\.run=' "$boot/cmdline.txt"; }

# put PATH, on stdin its text: whole or not at all.
put() { mkdir -p "${1%/*}" && cat >"$1.new" && sync && mv -f "$1.new" "$1" && sync; }

main() {
  if [ "${1-}" = end ]; then
    named || take_back
    return
  fi
  catch_falls || say 'the fallback to a normal boot could not be set up'
  if [ -e "$seed" ] && ! sh "$seed"; then
    say 'the seed could not be installed; tried again at the next boot'
    boot_on
    return 1
  fi
  if [ -e "$theirs" ]; then
    run_theirs || return
    [ "$(systemctl is-system-running)" != stopping ] || return 0
    [ -z "$ended" ] || followed || rm -f "$theirs"
    sync
  fi
  if take_back; then
    systemctl --no-block reboot
  else
    say "cmdline.txt could not be written; tried again at the next boot"
    boot_on
    return 1
  fi
}

# What firstrun.sh leaves of the kernel's command line may have systemd run what is not there, reboot after nothing at all, or
# aim at a target without anything to run: all of that ends in a normal boot. systemd's own target comes before this one.
catch_falls() {
  put "$units/kernel-command-line.target" <<'END' && put "$units/kernel-command-line.service.d/provision.conf" <<'MORE' && systemctl daemon-reload
[Unit]
Description=The normal boot
Requires=multi-user.target
After=multi-user.target
AllowIsolate=yes
END
[Unit]
OnFailure=multi-user.target
SuccessAction=none
FailureAction=none
[Service]
ExecStart=-/bin/systemctl --no-block start multi-user.target
MORE
}

# Nothing is left to run: its end is 0, or that it has taken itself out of cmdline.txt. A reboot of its own comes back here.
run_theirs() {
  ended=
  times=$(cat "$starts" 2>/dev/null || echo 0)
  if [ "$times" -ge "$most" ]; then
    say "firstrun.sh was started $times times and never finished: it is skipped from now on"
    return
  fi
  if ! echo "$((times + 1))" | put "$starts"; then
    say 'firstrun.sh is not run, as the number of its starts could not be saved'
    boot_on
    return 1
  fi
  # One that waits for something that never comes keeps nobody out for longer than that.
  systemd-run --quiet --on-active=900 systemctl --no-block start multi-user.target
  setsid "$theirs"
  code=$?
  ended=yes
  [ "$code" -ne 0 ] && named || return 0
  say "firstrun.sh ended with exit code $code; it is run again at the next boot"
  boot_on
  return "$code"
}

boot_on() {
  systemctl daemon-reload
  systemctl --no-block start multi-user.target
}

# cmdline.txt is written over itself, padded to its length: one sector, which is written whole or not at all.
take_back() {
  [ -e "$boot/cmdline.txt" ] || mount "$boot" || return
  if followed; then return; fi
  [ -w "$boot/cmdline.txt" ] || mount -o remount,rw "$boot" || return
  ours=' systemd\.run\(=\|_success_action=\|_failure_action=\)[^ ]*\| systemd\.unit=kernel-command-line\.target'
  if grep -q "$ours" "$boot/cmdline.txt"; then
    words=$(sed "s/$ours//g" "$boot/cmdline.txt")
    printf "%-$(($(wc -c <"$boot/cmdline.txt") - 1))s\n" "$words" | dd of="$boot/cmdline.txt" conv=notrunc 2>/dev/null
    sync
  fi
  if named; then return 1; fi
  rm -f "$units/kernel-command-line.target" "$units/kernel-command-line.service.d/provision.conf" "$starts"
  rmdir "$units/kernel-command-line.service.d" "$units" "${units%/*}" 2>/dev/null
  rm -f "$boot/$name"
  sync
}

if :; then main "$@" </dev/null; fi
