/** All units of tunnels, on gateways and devices, begin like this. */
export const unitPrefix = 'reverse-tunnel-'
/** Root's own file on the gateway with the keys of devices that share an account, and what each of them may do. */
export const sharedKeys = '/etc/ssh/reverse-tunnel/authorized_keys'
