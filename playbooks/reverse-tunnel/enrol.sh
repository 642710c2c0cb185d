#!/bin/sh
# The gateway's side of an enrolment: a device with a fresh card hands in its new keys, once, signed with the key of its card.
#
#   enrol            as the account of enrolments, by sshd's ForceCommand: a request on stdin, the answer on stdout
#   enrol settle     as root, by systemd: requests out of the pipe that systemd holds as file 3
#
# Nothing that the account could write is ever opened by root: a request comes through a pipe, in one write, and its answer
# is a file in a folder of root's. So whoever has the key of a card gets no further than to the checks below.

umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

folder=/etc/ssh/reverse-tunnel
run=/run/provision-enrol
# For each enrolment: OPTIONS TYPE KEY DEVICE EXPIRES TOKEN-DIGEST FILE OPTIONS-OF-THE-TUNNEL-KEY MARK. sshd reads it as key lines.
enrolments=$folder/enrolments
# What was handed in, a file for each device: TIME TOKEN-DIGEST MESSAGE SIGNATURE, the last two in base64. In a second line,
# when and from where somebody came first with the same card and other keys: TIME ADDRESS.
enrolled=$folder/enrolled
namespace=provision-enrolment

# One write of less than PIPE_BUF (4096) bytes does not mix with those of others.
longest=3900

hand_in() {
  request=$(timeout 20 head -c 4096 | head -n 1)
  case $request in
    '' | *[!A-Za-z0-9+/=\ ]*) echo 'refused: no request'; return 1 ;;
  esac
  [ ${#request} -le $longest ] || { echo 'refused: too long'; return 1; }
  ticket=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  from=${SSH_CONNECTION%% *}
  # Where nobody holds the pipe, it cannot even be opened.
  printf '%s %s %s\n' "$ticket" "${from:--}" "$request" | timeout 10 tee "$run/requests" >/dev/null ||
    { echo 'later: no answer'; return 1; }
  tries=300
  while [ $tries -gt 0 ]; do
    if [ -e "$run/answers/$ticket" ]; then
      answer=$(cat "$run/answers/$ticket")
      printf '%s\n' "$answer"
      [ "$answer" = enrolled ]
      return
    fi
    tries=$((tries - 1))
    sleep 0.1
  done
  echo 'later: no answer'
  return 1
}

settle_all() {
  rm -rf "$run/answers" "$run/work"
  mkdir -p "$run/answers"
  while IFS=' ' read -r ticket from message signature rest <&3; do
    case $ticket in '' | *[!0-9a-f]*) continue ;; esac
    [ ${#ticket} = 32 ] || continue
    case $from in *[!0-9A-Za-z.:%-]*) from=- ;; esac
    mkdir -m 700 "$run/work"
    device='' said='' digest=''
    settle
    # Which of the device's cards it was: the first letters of its token's digest.
    card=$(printf %.8s "$digest")
    echo "$said${device:+, $device, card $card}, from $from" >&2
    printf '%s\n' "${said%% (*}" >"$run/work/answer"
    mv "$run/work/answer" "$run/answers/$ticket"
    rm -rf "$run/work"
    find "$run/answers" -type f -mmin +2 -exec rm -f {} +
  done
}

# Sets $said: enrolled, `later: …` where the same request may come again, or `refused: …`.
settle() {
  said='refused: malformed'
  [ -z "$rest" ] && decode "$message" >"$run/work/message" && decode "$signature" >"$run/work/signature" || return
  understand <"$run/work/message" || return
  said="refused: signature (it says $name)"
  signed || return
  # From here on it is known whose card this is.
  if [ "$name" != "$device" ]; then said="refused: name (it says $name)"; return; fi
  if [ "$(printf %s "$token" | sha256sum | cut -d ' ' -f 1)" != "$digest" ]; then said='refused: token'; return; fi
  if [ "$(date +%s)" -ge "$expires" ]; then said='refused: expired'; return; fi
  # A change by provision is under way: what it read before it would put back.
  said='later: busy'
  [ ! -e /var/lib/provision/current ] || return
  was='' before='' other=''
  [ ! -e "$enrolled/$device" ] || { read -r _ was before _ && read -r other; } <"$enrolled/$device"
  if [ "$was" = "$digest" ] && [ "$before" != "$message" ]; then
    said='refused: used'
    # Not in the log alone, which has an end that anybody with a card could reach.
    [ -n "$other" ] || { cat "$enrolled/$device" && echo "$(date +%s) $from"; } | replace "$enrolled/$device" 600
    return
  fi
  said='later: cannot write'
  if [ "$was" != "$digest" ]; then
    mkdir -p "$enrolled" "${file%/*}" || return
    printf '%s %s %s %s\n' "$(date +%s)" "$digest" "$message" "$signature" | replace "$enrolled/$device" 600 || return
  fi
  key_lines | replace "$file" 644 || return
  said='later: busy'
  [ ! -e /var/lib/provision/current ] || return
  said=enrolled
}

decode() {
  case $1 in '' | *[!A-Za-z0-9+/=]*) return 1 ;; esac
  printf '%s\n' "$1" | base64 -d 2>/dev/null
}

# Every line of a message is one of these, or it is none. Sets $name, $token and $key.
understand() {
  name='' token='' key='' hosts=0
  IFS= read -r line && [ "$line" = 'provision enrolment 1' ] || return 1
  while IFS= read -r line; do
    value=${line#* }
    case $line in
      'name '*) [ -z "$name" ] && plain "$value" && name=$value || return 1 ;;
      'token '*) case $value in *[!0-9a-f]*) return 1 ;; esac; token=$value ;;
      'key ssh-ed25519 AAAA'*) [ -z "$key" ] && public "$value" && key=$value || return 1 ;;
      'host-key ssh-'* | 'host-key ecdsa-'*) public "$value" || return 1; hosts=$((hosts + 1)) ;;
      *) return 1 ;;
    esac
  done
  [ -n "$name" ] && [ -n "$token" ] && [ -n "$key" ] && [ $hosts -gt 0 ] && [ $hosts -le 5 ]
}

plain() { case $1 in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9._-]*) return 1 ;; esac; }

# TYPE and KEY, and nothing behind them.
public() {
  case ${1#* } in *[!A-Za-z0-9+/=]*) return 1 ;; esac
  printf '%s\n' "$1" | ssh-keygen -l -f - >/dev/null 2>&1
}

# Whose enrolment key has signed this? Sets $device and the rest of its row.
signed() {
  while read -r _ type blob whose expires digest file options mark; do
    [ -n "$options" ] || continue
    printf '%s namespaces="%s" %s %s\n' "$whose" "$namespace" "$type" "$blob" >"$run/work/signers"
    if ssh-keygen -Y verify -f "$run/work/signers" -I "$whose" -n "$namespace" -s "$run/work/signature" \
      <"$run/work/message" >/dev/null 2>&1; then
      device=$whose
      return 0
    fi
    digest=''
  done <"$enrolments"
  return 1
}

# The key lines of others, and this device's new one.
key_lines() {
  if [ -e "$file" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in *" $device") ;; *) printf '%s\n' "$line" ;; esac
    done <"$file"
  fi
  # An earlier version wrote no mark.
  printf '%s %s %s\n' "$options" "$key" "${mark:-$device}"
}

# Stdin becomes the file, wholly or not at all, and stays so through a power cut.
replace() {
  new=${1%/*}/.new.${1##*/}
  cat >"$new" && chmod "$2" "$new" && sync "$new" && mv "$new" "$1" && sync "${1%/*}"
}

case $1 in
  settle) settle_all ;;
  *) hand_in ;;
esac
