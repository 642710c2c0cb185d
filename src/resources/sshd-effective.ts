import { type Sh, sh } from '../shell/sh.ts'
import type { Observed, Refused } from './resource.ts'

/** For whom sshd is asked what holds for everybody. */
export const everybody = 'user=root,host=localhost,addr=127.0.0.1'

/**
 * A question: sets $sshd_says to what sshd would do for root, or to what it complains of; $sshd_valid to a word where
 * it takes its configuration; and $host_keys to the paths of its host keys, a line each. It takes 5 ms.
 */
export const askSshd = sh`
  if [ -z "\${sshd_says+known}" ]; then
    [ -d /run/sshd ] || mkdir -m 0755 /run/sshd
    host_keys='/etc/ssh/ssh_host_*_key' sshd_valid=valid
    sshd_says=$(sshd -T -C ${everybody} 2>&1) || sshd_valid=
    if [ -n "$sshd_valid" ]; then
      # Word by word, for here dash takes the square of the length to cut a text.
      host_keys='' IFS=${'\n'}
      set -f
      for word in $sshd_says; do
        case $word in hostkey\ *) host_keys=$host_keys\${word#* }${'\n'} ;; esac
      done
      set +f
      unset IFS
    fi
  fi
`

/** Sets $sshd_says and $sshd_valid for this user. */
export const effectiveFor = (who: string): Sh =>
  who === everybody
    ? askSshd
    : sh`
        [ -d /run/sshd ] || mkdir -m 0755 /run/sshd
        sshd_valid=valid
        sshd_says=$(sshd -T -C ${who} 2>&1) || sshd_valid=
      `

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
    for file in /etc/ssh/sshd_config.d/*; do
      if [ -f "$file" ]; then cp "$file" "$stage/drop-ins"; fi
    done
    if [ -e "$stage/candidate" ]; then cp "$stage/candidate" "$stage/drop-ins/"${ours}; else rm -f "$stage/drop-ins/"${ours}; fi
    sed -E "/^[[:space:]]*include[[:space:]=]/I s#([[:space:]=\"])(/etc/ssh/)?sshd_config[.]d/#\1$stage/drop-ins/#g" \
      /etc/ssh/sshd_config >"$stage/sshd_config"
  `
}

/** Fails, naming the files that say otherwise, unless every setting is the one that sshd would follow. */
export function winning(name: string, who: string, wanted: readonly string[]): Sh {
  if (wanted.length === 0) return sh`sshd -t -f "$stage/sshd_config"`
  return sh`
    sshd -T -f "$stage/sshd_config" -C ${who} >"$stage/effective"
    ${wanted.some((line) => /^persourcepenalties /i.test(line)) ? penaltiesApart : sh`:`}
    lost=$(printf '%s\n' ${wanted} | grep -vixF -f "$stage/effective") || [ "$?" = 1 ]
    [ -n "$lost" ] || exit 0
    printf '%s\n' "$lost" | while IFS= read -r line; do
      keyword=\${line%% *}
      echo "wanted \"$line\", but sshd would use \"$(grep -i "^$keyword " "$stage/effective")\""
      grep -sinE "^[[:space:]]*\${keyword}[[:space:]=]" /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf || :
    done >"$stage/lost"
    # Would sshd read our file at all? It complains of what it reads.
    echo 'ReadByProvision no' >"$stage/drop-ins/"${`${name}.conf`}
    if sshd -t -f "$stage/sshd_config" 2>/dev/null; then
      echo "sshd would not read /etc/ssh/sshd_config.d/"${`${name}.conf`}": /etc/ssh/sshd_config does not include it" >&2
    else
      cat "$stage/lost" >&2
    fi
    exit 1
  `
}

/** sshd prints all of them as one line. */
const penaltiesApart = sh`
  parts=$(sed -n 's/^persourcepenalties //p' "$stage/effective" | tr ' ' '\n' | sed 's/^/persourcepenalties /')
  printf '%s\n' "$parts" >>"$stage/effective"
`

/** By what the fact `running sshd` shows: sshd is not told to read the folder of our files. */
export function withoutInclude(observed: Observed | undefined): Refused | undefined {
  const [, lines] = observed?.split(/^@(?:lines|in-force)$/m) ?? []
  if (lines === undefined) return undefined
  const included = [...lines.matchAll(/^\/[^:]*:\s*include[\s=](.*)$/gim)].map(([, what = '']) => what)
  // A pattern may stand for the folder.
  if (included.some((what) => /sshd_config\.d|[*?[][^\s"]*\//.test(what))) return undefined
  return {
    refused: 'its sshd does not read /etc/ssh/sshd_config.d: /etc/ssh/sshd_config has no Include line for it',
    hint: 'put `Include /etc/ssh/sshd_config.d/*.conf` at the top of /etc/ssh/sshd_config, check it with `sshd -t`, reload sshd, then run again',
  }
}
