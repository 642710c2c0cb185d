/** On a device: by what it knows its gateways. */
export const knownHosts = '/etc/reverse-tunnel/known_hosts'
