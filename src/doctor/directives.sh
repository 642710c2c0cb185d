# Where sshd is told who may log in, with which keys, and what for: FILE:LINE:TEXT.
directives() {
  grep -HinE "^[[:space:]]*(AllowUsers|DenyUsers|AllowGroups|DenyGroups|PubkeyAuthentication|PubkeyAcceptedAlgorithms|\
PubkeyAcceptedKeyTypes|AuthenticationMethods|DisableForwarding|AllowTcpForwarding|AllowStreamLocalForwarding)[[:space:]=]" \
    /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf
}
