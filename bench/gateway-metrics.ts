/** What a gateway tells of itself on its admin plane, read from within its network namespace. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayProcess } from '../test/gateway/gateway-process.ts';
import type { Namespace } from '../test/tun/namespace.ts';

const FETCH = 'fetch(process.argv[1]).then(async answer => process.stdout.write(await answer.text()))';
/** Workers tell of their packets within a tenth of a second. */
const SETTLING_MS = 200;

/** By name with labels, as they stand in the exposition: `sstp_bytes_total{direction="rx"}`. */
export type GatewayMetrics = ReadonlyMap<string, number>;

export async function readMetrics(namespace: Namespace, { admin }: GatewayProcess): Promise<GatewayMetrics> {
  await sleep(SETTLING_MS);
  const { code, stdout, stderr } = await namespace.run(process.execPath, '-e', FETCH, `${admin}/metrics`);
  if (code !== 0) throw new Error(`the gateway's metrics cannot be read: ${stderr}`);
  const lines = stdout.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]));
}

/** How the gateway's calls were filled between two readings. */
export interface Filling {
  readonly packetsPerDeviceCall: number;
  /** Upload: bytes of packets in a received record. Download: in a write to TLS. */
  readonly bytesPerTlsCall: number;
}

export function filling(before: GatewayMetrics, after: GatewayMetrics, direction: 'rx' | 'tx'): Filling {
  const grown = (name: string): number => {
    const key = `${name}{direction="${direction}"}`;
    return (after.get(key) ?? Number.NaN) - (before.get(key) ?? Number.NaN);
  };
  return {
    packetsPerDeviceCall: grown('sstp_packets_total') / grown('sstp_device_calls_total'),
    bytesPerTlsCall: grown('sstp_bytes_total') / grown('sstp_tls_calls_total'),
  };
}
