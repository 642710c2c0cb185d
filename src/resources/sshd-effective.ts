import { type Sh, sh } from '../shell/sh.ts'

/** Prints `elsewhere KEYWORD FILE` for each file but ours that speaks of one of them; one process where none does. */
export function elsewhere(path: string, keywords: readonly string[]): Sh {
  const speaks = `^[[:space:]]*(${keywords.join('|')})[[:space:]=]`
  return sh`
    grep -lsiE ${speaks} /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf | while IFS= read -r file; do
      [ "$file" != ${path} ] || continue
      grep -iEo ${speaks} "$file" | while read -r keyword; do
        echo "elsewhere \${keyword%=} $file"
      done
    done
  `
}

/** A copy of the configuration as it will be, with its Include turned to the copied drop-ins. */
export function wholeConfiguration(name: string) {
  const ours = `${name}.conf`
  return sh`
    mkdir "$stage/drop-ins"
    for file in /etc/ssh/sshd_config.d/*.conf; do
      if [ -e "$file" ]; then cp "$file" "$stage/drop-ins"; fi
    done
    if [ -e "$stage/candidate" ]; then cp "$stage/candidate" "$stage/drop-ins/"${ours}; else rm -f "$stage/drop-ins/"${ours}; fi
    sed -E "s#^([[:space:]]*Include[[:space:]]+)(/etc/ssh/)?sshd_config[.]d/#\1$stage/drop-ins/#I" \
      /etc/ssh/sshd_config >"$stage/sshd_config"
  `
}

/** Fails, naming the files that say otherwise, unless every setting is the one that sshd would follow. */
export function winning(who: string, wanted: readonly string[]) {
  return sh`
    sshd -t -f "$stage/sshd_config"
    sshd -T -f "$stage/sshd_config" -C ${who} >"$stage/effective"
    parts=$(sed -n 's/^persourcepenalties //p' "$stage/effective" | tr ' ' '\n' | sed 's/^/persourcepenalties /')
    printf '%s\n' "$parts" >>"$stage/effective"
    lost=
    for line in ${wanted}; do
      grep -qixF -e "$line" "$stage/effective" && continue
      lost=1
      keyword=\${line%% *}
      echo "wanted \"$line\", but sshd would use \"$(grep -i "^$keyword " "$stage/effective")\"" >&2
      grep -sinE "^[[:space:]]*\${keyword}[[:space:]=]" /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf >&2 || :
    done
    [ -z "$lost" ] && exit
    grep -qiE '^[[:space:]]*Include[[:space:]].*sshd_config[.]d/' /etc/ssh/sshd_config ||
      echo '/etc/ssh/sshd_config does not include /etc/ssh/sshd_config.d/*.conf' >&2
    exit 1
  `
}
