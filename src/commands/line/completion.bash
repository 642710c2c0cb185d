# Completion of provision for bash: source <(provision completion bash)
_provision() {
  local cur=${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  [ "$cur" != = ] || cur=
  while IFS= read -r line; do
    case $line in
      :file) compopt -o filenames; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur") ;;
      :folder) compopt -o filenames; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$cur") ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _provision provision
