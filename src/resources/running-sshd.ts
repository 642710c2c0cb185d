import { lines, type Sh, sh } from '../shell/sh.ts'
import type { Resource } from './resource.ts'

/** What sshd read when we last had it reload: its unit, and what `linesOfFiles` printed then. For root alone. */
export const inForce = '/var/lib/provision/sshd-in-force'

/**
 * Sets the positional parameters to all files of sshd's configuration, `folders` to where Include finds them, and
 * `keys` to its host keys. As sshd does it: several patterns, in quotes or not, relative to /etc/ssh, and in included
 * files again.
 */
const findFiles = sh`
  newline=${'\n'}
  set -- /etc/ssh/sshd_config
  folders='' known=0 depth=0
  while [ "$#" -gt "$known" ] && [ "$depth" -lt 16 ]; do
    known=$# depth=$((depth + 1)) keys=''
    named=$(sed -nE -e 's/^[[:space:]]*include[[:space:]]*[[:space:]=][[:space:]]*//Ip' \
      -e 's/^[[:space:]]*hostkey[[:space:]]*[[:space:]=][[:space:]]*/@/Ip' "$@")
    while IFS= read -r rest; do
      case $rest in @*) keys=$keys$newline\${rest#@} rest='' ;; esac
      while [ -n "$rest" ]; do
        case $rest in
          '#'*) break ;;
          '"'*'"'*) word=\${rest#?} word=\${word%%'"'*} rest=\${rest#?*'"'} ;;
          *) word=\${rest%%[[:space:]]*} rest=\${rest#"$word"} ;;
        esac
        rest=\${rest#"\${rest%%[![:space:]]*}"}
        case $word in /*) ;; *) word=/etc/ssh/$word ;; esac
        case "$folders$newline" in *"$newline\${word%/*}$newline"*) ;; *) folders=$folders$newline\${word%/*} ;; esac
        IFS=
        for file in $word; do
          [ -f "$file" ] || continue
          for other; do [ "$other" != "$file" ] || continue 2; done
          set -- "$@" "$file"
        done
      done
    done <<END
  $named
  END
  done
`

/** Prints `FILE:LINE` for each line of these files that says something. */
const linesOfFiles = sh`grep -HvE '^[[:space:]]*(#|$)' "$@"`

/**
 * Writes down what the sshd of this unit has been told to read just now. The file has to be among the change's `saves`.
 */
export function noteInForce(unit: string): Sh {
  return sh`
    (
      umask 077
      ${findFiles}
      { echo ${`@unit ${unit}`}; ${linesOfFiles}; } >${`${inForce}.new`} || :
      mv -f ${`${inForce}.new`} ${inForce}
    )
  `
}

/** Fails where a reload would bring into force what was not there when we had sshd reload last, naming the file. */
export const nothingWaits = sh`
  ${findFiles}
  IFS=$newline
  # shellcheck disable=SC2044
  for file in $(find "$@" -maxdepth 0 -cnewer /run/sshd.pid 2>/dev/null); do
    says=$(grep -HvE '^[[:space:]]*(#|$)' "$file") || :
    said=$(grep -F "$file:" ${inForce}) || :
    if [ "$says" != "$said" ]; then
      echo "$file was changed and sshd has not read it since: reload sshd yourself if the change is intended, or restore the file" >&2
      exit 1
    fi
  done
`

/**
 * Sets `pid` to the sshd that listens where we came in: the one that this shell descends from. A shell of the guard
 * does not: then that of the unit that was told to reload last (most often the one of the pid file, and no process has
 * to ask systemd), that of the usual one, or the first that there is. (Up
 * to 8.1, and where its title was too long to be shown whole, a listener is only known as the main process of a unit.)
 */
const findListener = sh`
  is_sshd() {
    name='' title=''
    # No line end stands behind its words.
    { read -r name <"/proc/$1/comm" && [ "$name" = sshd ] && { read -r title <"/proc/$1/cmdline" || [ -n "$title" ]; }; } 2>/dev/null
  }
  listens() {
    is_sshd "$1" || return
    case $title in 'sshd: '*'[listener]'*) pid=$1 ;; *) return 1 ;; esac
  }
  # of_unit PID UNIT
  of_unit() { unit_of "$1" && [ "$unit" = "$2" ]; }
  unit_of() {
    unit=
    while IFS=: read -r _ names path; do
      case $names in '' | name=systemd) unit=\${path##*/} ;; esac
    done <"/proc/$1/cgroup"
  }
  pid='' name='' title='' up=$$
  while [ "\${up:-0}" -gt 1 ] && ! listens "$up"; do
    stat=
    read -r stat 2>/dev/null <"/proc/$up/stat"
    # shellcheck disable=SC2086
    set -- \${stat##*) }
    up=\${2-}
  done
  if [ -z "$pid" ]; then
    mark='' told=''
    if ! { read -r mark told <${inForce} && [ "$mark" = @unit ] && read -r up </run/sshd.pid && of_unit "$up" "$told" && listens "$up"; } 2>/dev/null; then
      # shellcheck disable=SC2086
      for up in $(systemctl show --property=MainPID --value $told ssh.service sshd.service); do
        if is_sshd "$up"; then pid=$up && break; fi
      done
    fi
    [ -n "$pid" ] || for up in /proc/[0-9]*; do
      if listens "\${up#/proc/}"; then break; fi
    done
  fi
`

/**
 * The process with its age, who wrote the pid file, which each start and each reload repeats, its unit, and its ports.
 */
const showListener = sh`
  unit_of "$pid"
  written=
  [ ! -r /run/sshd.pid ] || read -r written </run/sshd.pid
  read -r stat <"/proc/$pid/stat"
  # shellcheck disable=SC2086
  set -- \${stat##*) }
  read -r uptime _ </proc/uptime
  case $title in sshd:*) ;; *) title=$(tr '\0' ' ' <"/proc/$pid/cmdline") ;; esac
  # Where date knows no parts of a second, it writes what it was asked.
  now=$(date +%s.%N)
  echo "@sshd $pid \${20} $uptime \${now%.*[!0-9]*} \${written:--} $title"
  case $unit in
    *.service)
      TZ=UTC systemctl show --property=Id,MainPID,CanReload,KillMode,ExecReload "$unit"
      # Before 5.8 it knows no control groups.
      { ss -Hltnp --cgroup || ss -Hltnp; } | grep "[(,]pid=$pid,"
      ;;
  esac
`

/** What it would read if it were told to. Of a link both count: where it points to, and what is there. */
const showFiles = sh`
  ${findFiles}
  [ -n "$keys" ] || for key in /etc/ssh/ssh_host_*_key; do keys=$keys$newline$key; done
  IFS=$newline
  # shellcheck disable=SC2086
  find /run/sshd.pid "$@" $folders $keys -maxdepth 0 -printf '@path %y %T@ %C@ %p\n'
  for file; do
    if [ -L "$file" ]; then find -L "$file" -maxdepth 0 -printf '@path %y %T@ %C@ %p\n'; fi
  done
  for key in $keys; do
    if [ -r "$key.pub" ] && IFS=' ' read -r type blob _ <"$key.pub"; then echo "@key $type $blob $key"; fi
  done
  echo @lines
  ${linesOfFiles}
  if [ -f ${inForce} ]; then
    echo @in-force
    cat ${inForce}
  fi
`

/**
 * A fact: the sshd that runs, and the configuration that it would read if it were reloaded. It costs two processes for
 * each depth of Include and eight beside them, none of them an sshd. What comes of it says sshd-reload.ts.
 */
export const runningSshd: Resource = {
  id: 'running sshd',
  inspect: lines(findListener, sh`if [ -n "$pid" ]; then`, showListener, showFiles, sh`else echo @none; fi`),
  diff: () => 'converged',
}
