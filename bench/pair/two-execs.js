// The same work over ssh2, as a script in Node would do it, with the words of by-hand.sh:
//   two-execs.js first|again|check FOLDER KEY GATEWAY DEVICE PORT
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'

const [what, folder, key, gateway, device, port] = process.argv.slice(2)
const privateKey = readFileSync(join(homedir(), '.ssh/id_ed25519'))
const pinned = readFileSync(process.env.PROVISION_KNOWN_HOSTS, 'utf8')

const login = (host, sock) =>
  new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    client.once('ready', () => resolve(client)).once('error', reject)
    const hostVerifier = (blob) => pinned.includes(blob.toString('base64'))
    client.connect({ username: 'user001', privateKey, hostVerifier, ...(sock ? { sock } : { host }) })
  })

const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`
const on = async (client, script, values = {}) => {
  const words = Object.entries(values).map(([name, value]) => `${name}=${quote(value)}\n`)
  const text = words.join('') + readFileSync(new URL(script, import.meta.url), 'utf8')
  return new Promise((resolve, reject) =>
    client.exec('sudo bash', (error, channel) => {
      if (error) return reject(error)
      let stdout = ''
      channel.on('data', (chunk) => {
        stdout += chunk
      })
      channel.stderr.resume()
      channel.once('close', (code) => (code === 0 ? resolve(stdout.trim()) : reject(new Error(`${script}: ${code}`))))
      channel.end(text)
    }),
  )
}

const [onGateway, onDevice] = await Promise.all([login(gateway), login(device)])
async function through() {
  const sock = await new Promise((resolve, reject) =>
    onGateway.forwardOut('127.0.0.1', 0, '127.0.0.1', Number(port), (error, stream) =>
      error ? reject(error) : resolve(stream),
    ),
  )
  const client = await login(device, sock)
  client.end()
}
async function look(client, name) {
  const now = join(folder, `${name}.now`)
  const before = join(folder, `${name}.before`)
  writeFileSync(now, await on(client, 'look.sh'))
  if (!existsSync(before)) copyFileSync(now, before)
  if (readFileSync(now, 'utf8') !== readFileSync(before, 'utf8')) throw new Error(`${name} is not as before`)
}
if (what === 'first') {
  const made = await on(onDevice, 'key.sh', { key })
  const hostKey = await on(onGateway, 'admit.sh', { key, port, public: made })
  await on(onDevice, 'dial.sh', { gateway, port, host_key: hostKey })
} else await Promise.all([look(onGateway, gateway), look(onDevice, device)])
if (what !== 'check') await through()
for (const client of [onGateway, onDevice]) client.end()
process.stdout.write({ first: '3 3', again: '3 2', check: '2 2' }[what])
