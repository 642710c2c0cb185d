import { describe, expect, test } from 'vitest'
import { complaints, KEY, PRIVATE, parse } from './parse.ts'

describe('keys', () => {
  const entry = (text: string, files = {}) => {
    const accounts = { user001: { authorizedKeys: [text] } }
    return complaints(JSON.stringify({ gateways: { gw: { accounts } } }), files)
  }

  test('a private key is refused wherever it turns up, and never printed', () => {
    const texts = [
      entry(PRIVATE),
      entry('~/.ssh/id_ed25519', { '/home/user001/.ssh/id_ed25519': PRIVATE }),
      entry('b3BlbnNzaC1rZXktdjEAAAAASECRET'),
      complaints(JSON.stringify({ gateways: { gw: { hostKeys: [PRIVATE] } } })),
      complaints(JSON.stringify({ login: { identityFile: PRIVATE }, gateways: {} })),
      complaints(JSON.stringify({ gateways: { [PRIVATE]: { [PRIVATE]: PRIVATE } } })),
      complaints(JSON.stringify({ gateways: { gw: { address: PRIVATE, tunnelAccount: PRIVATE } } })),
      complaints(JSON.stringify({ gateways: { gw: {} }, devices: { pi: { forwards: [PRIVATE], via: [PRIVATE] } } })),
      complaints(`{ "gateways": ${PRIVATE} }`),
    ]
    expect(texts.join('\n')).not.toMatch('SECRET')
    expect(texts.join('\n')).toMatchInlineSnapshot(`
      "inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is a private key, which must stay where it is: write the public one, from the .pub file beside it
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: "~/.ssh/id_ed25519" holds a private key: name the .pub file beside it
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is a private key, which must stay where it is: write the public one, from the .pub file beside it
      inventory.json:1:32 gateways.gw.hostKeys[0]: is a private key, which must stay where it is: write the public one, from the .pub file beside it
      inventory.json:1:26 login.identityFile: is a private key: keep it in a file, and write the path of that file
      inventory.json:1:14 gateways.a private key: a private key is not a host name: use letters, digits, ".", "-" and "_" only
      inventory.json:1:104 gateways.a private key.a private key: unknown key: known here are address, port, hostKeys, login, accounts, profile, passwordLogin, dial, tunnelAccount, listener and ports
      inventory.json:1:30 gateways.gw.address: a private key is not a host name: use letters, digits, ".", "-" and "_" only
      inventory.json:1:135 gateways.gw.tunnelAccount: a private key is too long for an account name: use at most 32 lower-case letters, digits, "-" and "_", beginning with a letter
      inventory.json:1:52 devices.pi.forwards[0]: a private key is not a forward: write "[bind_address:]port:host:hostport", such as "127.0.0.1:9022:localhost:22"
      inventory.json:1:149 devices.pi.via[0]: there is no route named a private key: write "direct", "forward" or "gw"
      inventory.json:1:15 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found something else
      inventory.json:2:1 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found something else
      inventory.json:3:1 inventory: not JSON: expected text in double quotes, a number, true, false, [ or {; found something else
      inventory.json:4:2 inventory: not JSON: expected a value: text in double quotes, a number, true, false, [ or {; found something else"
    `)
  })

  test('options that sshd does not know are refused, those that it knows are not', () => {
    for (const options of ['no-ptty', 'from', 'restrict="x"', 'pty,comand="a,b"']) {
      expect(entry(`${options} ${KEY}`)).toContain('has an option before the key that sshd does not know')
    }
    for (const options of ['restrict,command="a,\\"b\\" no-ptty",PTY', 'from="10.*",no-X11-forwarding']) {
      expect(entry(`${options} ${KEY}`)).toBe('no complaint')
    }
  })

  test('keys of other programs, and whole lines of known_hosts, are told how to become ours', () => {
    const hostKey = (text: string) => complaints(JSON.stringify({ gateways: { gw: { hostKeys: [text] } } }))
    const rfc = '---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n'
    const texts = [
      entry('k.pub', { '/inventory/k.pub': rfc }),
      entry(rfc),
      entry('k.pub', { '/inventory/k.pub': '-----BEGIN PUBLIC KEY-----\nAAAA\n' }),
      entry('./k.ppk', { '/inventory/k.ppk': 'PuTTY-User-Key-File-3: ssh-ed25519\n' }),
      hostKey(`@cert-authority *.x ${KEY}`),
    ]
    expect(texts.map((text) => text.replace(/^\S+ /, '')).join('\n')).toMatchInlineSnapshot(`
      "gateways.gw.accounts.user001.authorizedKeys[0]: "k.pub" is a public key as PuTTY saves it (RFC 4716): ssh-keygen -i -f FILE prints the line to write
      gateways.gw.accounts.user001.authorizedKeys[0]: is a public key as PuTTY saves it (RFC 4716): ssh-keygen -i -f FILE prints the line to write
      gateways.gw.accounts.user001.authorizedKeys[0]: "k.pub" is a public key in PEM: ssh-keygen -i -m PKCS8 -f FILE prints the line to write
      gateways.gw.accounts.user001.authorizedKeys[0]: "./k.ppk" holds a private key of PuTTY: puttygen -L prints its public line, write that
      gateways.gw.hostKeys[0]: is a line of known_hosts: leave out the hosts between @cert-authority and the key"
    `)
  })

  test('what is no key is not printed either', () => {
    const texts = [
      entry('hunter2-SECRET'),
      entry('ssh-ed25519'),
      entry('ssh-ed25519 SECRET'),
      entry(`${KEY.slice(0, -8)}`),
      entry(KEY.replace('ssh-ed25519 ', 'ssh-rsa ')),
      entry('ssh-dss AAAASECRET'),
      entry('ssh-ed448 AAAASECRET'),
      entry('ssh-ed25519-cert-v01@openssh.com AAAASECRET'),
      entry(`${KEY}\n${KEY}`),
      entry(`command="SECRET ${KEY}`),
    ]
    expect(texts.join('\n')).not.toMatch('SECRET')
    expect(texts.join('\n')).toMatchInlineSnapshot(`
      "inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is neither a public key nor a path: write the line of a .pub file, or a path that begins with ./, / or ~/
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is not a valid ssh-ed25519 key, because its second word is not base64: copy the whole line of the .pub file again
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is not a valid ssh-ed25519 key, because its second word is not base64: copy the whole line of the .pub file again
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is not a valid ssh-ed25519 key, because its second word is of another type, or incomplete: copy the whole line of the .pub file again
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is not a valid ssh-rsa key, because its second word is of another type, or incomplete: copy the whole line of the .pub file again
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is a DSA key, which OpenSSH no longer accepts: make one with ssh-keygen -t ed25519
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: begins with ssh-ed448, which is not a known type of key: known are ssh-ed25519, ssh-rsa, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, sk-ssh-ed25519@openssh.com and sk-ecdsa-sha2-nistp256@openssh.com
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is a certificate: write the plain public key, from the .pub file without "-cert"
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: holds a line break or control character: write one key per entry
      inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: is not a public key: copy the one line of the .pub file"
    `)
  })

  test('files of keys', () => {
    const files = {
      '/inventory/keys/two.pub': `# me\n\n${KEY} me\r\n  from="192.0.2.0/24,\\"x" ${KEY} you\n${KEY} me\n`,
    }
    const text = '{ "gateways": { "gw": { "accounts": { "user001": { "authorizedKeys": ["keys/two.pub"] } } } } }'
    expect(parse(text, files).gateways[0]?.accounts[0]?.authorizedKeys).toEqual([
      `${KEY} me`,
      `from="192.0.2.0/24,\\"x" ${KEY} you`,
    ])
    expect(entry('keys/none.pub')).toMatchInlineSnapshot(
      `"inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: "/inventory/keys/none.pub" cannot be read: paths begin at the inventory's folder, at / or at ~/"`,
    )
    expect(entry('~other/id.pub')).toMatchInlineSnapshot(
      `"inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: "~other/id.pub": only "~/", your own home, is understood: write the full path"`,
    )
    expect(entry('./empty.pub', { '/inventory/empty.pub': '\n# nothing\n' })).toMatchInlineSnapshot(
      `"inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: "./empty.pub" holds no key: name the .pub file of a key"`,
    )
    expect(entry('./bad.pub', { '/inventory/bad.pub': `${KEY}\n\nssh-ed25519 AAAASECRET\n` })).toMatchInlineSnapshot(
      `"inventory.json:1:61 gateways.gw.accounts.user001.authorizedKeys[0]: line 3 of "./bad.pub" is not a valid ssh-ed25519 key, because its second word is not base64: copy the whole line of the .pub file again"`,
    )
  })

  test('removing all keys takes an empty list', () => {
    const exclusive = (account: string) =>
      complaints(`{ "gateways": { "gw": { "accounts": { "user001": ${account} } } } }`)
    expect(exclusive('{ "exclusive": true }')).toMatchInlineSnapshot(
      `"inventory.json:1:65 gateways.gw.accounts.user001.exclusive: would remove every key of the account: list its "authorizedKeys" too ([] where that is what you want)"`,
    )
    expect(exclusive('{ "exclusive": true, "authorizedKeys": [] }')).toBe('no complaint')
  })

  test('pins of host keys', () => {
    const pin = (text: string) => complaints(JSON.stringify({ gateways: { gw: { hostKeys: [text] } } }))
    const texts = [
      pin('SHA256:short'),
      pin('sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'),
      pin('MD5:d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e'),
      pin(`gw ${KEY}`),
      pin(`@cert-authority * ${KEY}`),
      pin('@cert-authority SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'),
      pin(`@revoked ${KEY}`),
      pin('./gw.pub'),
    ]
    expect(texts.join('\n')).toMatchInlineSnapshot(`
      "inventory.json:1:32 gateways.gw.hostKeys[0]: is not a complete SHA256 fingerprint: copy "SHA256:" and the 43 characters after it from ssh-keygen -l
      inventory.json:1:32 gateways.gw.hostKeys[0]: is not a complete SHA256 fingerprint: copy "SHA256:" and the 43 characters after it from ssh-keygen -l
      inventory.json:1:32 gateways.gw.hostKeys[0]: is an MD5 fingerprint, which is not safe enough: write the SHA256 one of ssh-keygen -l -E sha256
      inventory.json:1:32 gateways.gw.hostKeys[0]: is a line of known_hosts: leave out its first word, the host
      inventory.json:1:32 gateways.gw.hostKeys[0]: is a line of known_hosts: leave out the hosts between @cert-authority and the key
      inventory.json:1:32 gateways.gw.hostKeys[0]: is the fingerprint of an authority, which is not enough: write its public key
      inventory.json:1:32 gateways.gw.hostKeys[0]: begins with an unknown marker: only @cert-authority is known
      inventory.json:1:32 gateways.gw.hostKeys[0]: is not a public key: copy the one line of the .pub file"
    `)
  })
})
