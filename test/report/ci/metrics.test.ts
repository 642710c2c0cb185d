import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { metrics } from '../../../src/report/ci/metrics.ts'
import { at, night } from '../night.ts'
import { parseMetrics } from '../prometheus.ts'

const text = metrics(night, at)
const samples = parseMetrics(text)
const value = (name: string, labels: Record<string, string>) =>
  samples
    .filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted),
    )
    .map((sample) => sample.value)

test('a night on which nearly everything happened', () => {
  expect(
    text
      .split('\n')
      .filter((line) => !/_(outcome|state)\{.* 0$/.test(line))
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "# HELP provision_run_timestamp_seconds When the last run ended, in seconds since 1970.
    # TYPE provision_run_timestamp_seconds gauge
    provision_run_timestamp_seconds{inventory="fleet.json",command="verify"} 1795489205.25
    # HELP provision_run_duration_seconds How long the last run took.
    # TYPE provision_run_duration_seconds gauge
    provision_run_duration_seconds{inventory="fleet.json",command="verify"} 12.5
    # HELP provision_run_exit_code Its exit code: 0 as asked, 1 failed, 3 unreachable, 4 differs, 130 interrupted.
    # TYPE provision_run_exit_code gauge
    provision_run_exit_code{inventory="fleet.json",command="verify"} 3
    # HELP provision_host_up Whether the host could be logged in to.
    # TYPE provision_host_up gauge
    provision_host_up{inventory="fleet.json",host="ssh-gw",role="gateway"} 1
    provision_host_up{inventory="fleet.json",host="pi-drift",role="device"} 1
    provision_host_up{inventory="fleet.json",host="pi-off",role="device"} 0
    provision_host_up{inventory="fleet.json",host="pi-odd",role="device"} 1
    # HELP provision_host_outcome How the run ended on the host: 1 for the outcome that it had.
    # TYPE provision_host_outcome gauge
    provision_host_outcome{inventory="fleet.json",host="ssh-gw",role="gateway",outcome="ok"} 1
    provision_host_outcome{inventory="fleet.json",host="pi-drift",role="device",outcome="differs"} 1
    provision_host_outcome{inventory="fleet.json",host="pi-off",role="device",outcome="unreachable"} 1
    provision_host_outcome{inventory="fleet.json",host="pi-odd",role="device",outcome="rejected"} 1
    # HELP provision_host_drifted_resources Resources that are not as written, and were not changed by this run.
    # TYPE provision_host_drifted_resources gauge
    provision_host_drifted_resources{inventory="fleet.json",host="ssh-gw",role="gateway"} 0
    provision_host_drifted_resources{inventory="fleet.json",host="pi-drift",role="device"} 1
    # HELP provision_host_duration_seconds How long the host took, from the first connection to its end.
    # TYPE provision_host_duration_seconds gauge
    provision_host_duration_seconds{inventory="fleet.json",host="ssh-gw",role="gateway"} 0.5
    provision_host_duration_seconds{inventory="fleet.json",host="pi-drift",role="device"} 0.5
    provision_host_duration_seconds{inventory="fleet.json",host="pi-off",role="device"} 0.5
    provision_host_duration_seconds{inventory="fleet.json",host="pi-odd",role="device"} 0.5
    # HELP provision_device_up Whether the device answers as itself through at least one of its forwards.
    # TYPE provision_device_up gauge
    provision_device_up{inventory="fleet.json",device="pi-drift"} 1
    provision_device_up{inventory="fleet.json",device="pi-off"} 0
    provision_device_up{inventory="fleet.json",device="pi-odd"} 0
    # HELP provision_device_last_proof_timestamp_seconds When the device last answered as itself through a forward, as far as this machine knows, in seconds since 1970.
    # TYPE provision_device_last_proof_timestamp_seconds gauge
    provision_device_last_proof_timestamp_seconds{inventory="fleet.json",device="pi-drift"} 1795489204
    provision_device_last_proof_timestamp_seconds{inventory="fleet.json",device="pi-off"} 1795402801
    # HELP provision_forward_up Whether the forward reaches its device.
    # TYPE provision_forward_up gauge
    provision_forward_up{inventory="fleet.json",device="pi-drift",gateway="ssh-gw",bind_address="127.0.0.1",port="9001"} 1
    provision_forward_up{inventory="fleet.json",device="pi-drift",gateway="ssh-gw",bind_address="127.0.0.1",port="9101"} 1
    provision_forward_up{inventory="fleet.json",device="pi-off",gateway="ssh-gw",bind_address="::1",port="9002"} 0
    provision_forward_up{inventory="fleet.json",device="pi-odd",gateway="ssh-gw",bind_address="127.0.0.1",port="9003"} 0
    # HELP provision_forward_state What was found behind the forward: 1 for the state that it is in.
    # TYPE provision_forward_state gauge
    provision_forward_state{inventory="fleet.json",device="pi-drift",gateway="ssh-gw",bind_address="127.0.0.1",port="9001",state="ok"} 1
    provision_forward_state{inventory="fleet.json",device="pi-drift",gateway="ssh-gw",bind_address="127.0.0.1",port="9101",state="ok"} 1
    provision_forward_state{inventory="fleet.json",device="pi-off",gateway="ssh-gw",bind_address="::1",port="9002",state="stale"} 1
    provision_forward_state{inventory="fleet.json",device="pi-odd",gateway="ssh-gw",bind_address="127.0.0.1",port="9003",state="unverified"} 1
    # HELP provision_forward_handshake_seconds From the connection through the forward to the end of the login behind it.
    # TYPE provision_forward_handshake_seconds gauge
    provision_forward_handshake_seconds{inventory="fleet.json",device="pi-drift",gateway="ssh-gw",bind_address="127.0.0.1",port="9001"} 0.045
    provision_forward_handshake_seconds{inventory="fleet.json",device="pi-drift",gateway="ssh-gw",bind_address="127.0.0.1",port="9101"} 0.045
    "
  `)
})

test('a state is one of all that there are', () => {
  for (const { name, port } of [
    { name: 'stale', port: '9002' },
    { name: 'ok', port: '9001' },
  ]) {
    expect(value('provision_forward_state', { port })).toHaveLength(6)
    expect(value('provision_forward_state', { port, state: name })).toEqual([1])
    expect(value('provision_forward_state', { port }).reduce((sum, each) => sum + each)).toBe(1)
  }
  expect(value('provision_host_outcome', { host: 'pi-off' })).toHaveLength(8)
  expect(value('provision_host_outcome', { host: 'pi-off', outcome: 'unreachable' })).toEqual([1])
})

test('of a device the last of the proofs through its forwards counts, and one that was never proved has none', () => {
  expect(value('provision_device_last_proof_timestamp_seconds', { device: 'pi-drift' })).toEqual([1795489204])
  expect(value('provision_device_last_proof_timestamp_seconds', { device: 'pi-off' })).toEqual([1795402801])
  expect(value('provision_device_last_proof_timestamp_seconds', { device: 'pi-odd' })).toEqual([])
})

test('what a run of apply has changed has not drifted', () => {
  const [, drifted] = night.hosts
  const hosts = drifted ? [{ ...drifted, outcome: 'changed' as const }] : []
  expect(metrics({ ...night, hosts }, at)).toContain(
    'provision_host_drifted_resources{inventory="fleet.json",host="pi-drift",role="device"} 0',
  )
  expect(value('provision_host_drifted_resources', { host: 'pi-drift' })).toEqual([1])
})

describe('the format', () => {
  test('holds whatever the inventory is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (inventory) => {
        const [first] = parseMetrics(metrics({ ...night, inventory }, at))
        expect(first?.labels.inventory).toBe(inventory)
      }),
    )
  })

  test('is one that can be broken', () => {
    expect(() => parseMetrics('provision_x 1\n')).toThrow('no TYPE')
    expect(() => parseMetrics(text.replace('host="pi-off"', 'host="pi"off"'))).toThrow('no sample')
    expect(() => parseMetrics(text.trimEnd())).toThrow('line end')
    expect(() => parseMetrics(`${text}${text}`)).toThrow('twice')
  })

  const promtool = spawnSync('promtool', ['--version']).status === 0
  test.skipIf(!promtool)('is what promtool has nothing against', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text })
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' })
  })
})
