import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/** A server that has only the public half of a host's key, and puts lines into the log of whoever comes. */
export function liar(publicKey: Buffer, lines: readonly string[]): Server {
  return createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('SSH-2.0-liar\r\n')
    socket.write(packet(kexInit()))
    // SSH_MSG_DEBUG, always to be shown (RFC 4253, 11.3).
    socket.write(packet(Buffer.concat([Buffer.from([4, 1]), part(`hello\r\n${lines.join('\r\n')}\r\n`), part('')])))
    let heard = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk])
      if (!types(heard).includes(30)) return
      heard = Buffer.alloc(0)
      const signature = Buffer.concat([part('ssh-ed25519'), part(randomBytes(64))])
      const reply = [Buffer.from([31]), part(publicKey), part(randomBytes(32)), part(signature)]
      socket.write(packet(Buffer.concat(reply)))
    })
  })
}

function kexInit(): Buffer {
  const lists = ['curve25519-sha256', 'ssh-ed25519', 'aes128-ctr', 'aes128-ctr', 'hmac-sha2-256', 'hmac-sha2-256']
  const all = [...lists, 'none', 'none', '', ''].map((list) => part(list))
  return Buffer.concat([Buffer.from([20]), randomBytes(16), ...all, Buffer.alloc(5)])
}

function part(bytes: string | Buffer): Buffer {
  return Buffer.concat([number(Buffer.byteLength(bytes)), Buffer.from(bytes)])
}

/** Not yet encrypted (RFC 4253, 6). */
function packet(payload: Buffer): Buffer {
  const padding = 16 - ((5 + payload.length) % 8)
  return Buffer.concat([number(1 + payload.length + padding), Buffer.from([padding]), payload, Buffer.alloc(padding)])
}

/** Of the packets behind the line that says who it is. */
function types(heard: Buffer): number[] {
  const found: number[] = []
  for (let at = heard.indexOf('\n') + 1; at + 5 < heard.length; at += 4 + heard.readUInt32BE(at))
    found.push(heard[at + 5] ?? 0)
  return found
}

function number(value: number): Buffer {
  const four = Buffer.alloc(4)
  four.writeUInt32BE(value)
  return four
}
