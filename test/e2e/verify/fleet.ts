/** The gateway of all devices. */
export const gateway = 'ssh-gw.guest.internal'

/** Devices, called by what they are like in a bad night. */
export const [good, drifting, off, loose] = ['a', 'b', 'c', 'd'].map((letter) => `host-${letter}.lan.internal`) as [
  string,
  string,
  string,
  string,
]

/** One line a host, so that a line says which. */
export const inventory = `{
  "login": { "user": "user001" },
  "gateways": { "${gateway}": {} },
  "devices": {
    "${good}": { "forwards": ["127.0.0.1:9001:localhost:22"] },
    "${drifting}": { "forwards": ["127.0.0.1:9002:localhost:22"] },
    "${off}": { "forwards": ["127.0.0.1:9003:localhost:22"] },
    "${loose}": {
      "forwards": [
        "127.0.0.1:9004:localhost:22",
      ]
    }
  }
}
`
