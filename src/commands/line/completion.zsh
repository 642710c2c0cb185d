#compdef provision
# Completion of provision for zsh: source <(provision completion zsh), after compinit; or as the file _provision in $fpath
_provision() {
  local line
  local -a found
  while IFS= read -r line; do
    case $line in
      :file) compset -P '--*='; _files ;;
      :folder) compset -P '--*='; _files -/ ;;
      *) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done < <("$words[1]" complete zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( $#found )) && _describe -V provision found
}
if [ "$funcstack[1]" = _provision ]; then _provision "$@"; else compdef _provision provision; fi
