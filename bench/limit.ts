/**
 * What the machine itself allows: the two things that the gateway does with each byte, each on its own.
 *
 *   TLS    one node:tls connection, bytes in one direction, nothing done with them; and a thousand, a small record each in turn
 *   TUN    packets of the kernel's TCP read from one TUN device and written to another, unchanged
 *
 * The gateway does TLS once, and TUN once, where the copy does it twice: its least cost is that of TLS and half of
 * that of the copy. Half is a simplification: writing to a device includes what the receiving TCP does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSite } from '../test/gateway/site.ts';
import { Namespace } from '../test/tun/namespace.ts';
import type { Benchmark } from './benchmark.ts';
import { runScript, startScript } from './children.ts';
import { startServers, transfer } from './iperf.ts';
import { layVeth, OUTER } from './testbed.ts';
import { leastCost, LIMIT_RECORD_LENGTH, SPREAD_CONNECTIONS, SPREAD_RECORD_LENGTH } from './limits.ts';
import type { Cost, Limits } from './limits.ts';
import { cpuSeconds } from './process-cpu.ts';
import { median } from './statistics.ts';
import type { EndpointReport, EndpointRequest } from './tls-endpoint.ts';
import type { CopyRequest } from './tun-copy.ts';

const FULL = { seconds: 5, rounds: 5 } as const;
const QUICK = { seconds: 0.5, rounds: 1 } as const;
const TLS_PORT = 8443;
const IPERF_PORT = 5201;
const INNER = { left: '198.51.100.1', right: '198.51.100.2' } as const;
const MTU = 1400;
const BULK_RECORD = 16_384;
const GIGA = 1e9;

export const limit: Benchmark = async ({ quick, report }) => {
  const { seconds, rounds } = quick ? QUICK : FULL;
  const left = new Namespace('l');
  const right = new Namespace('r');
  const site = await createSite();
  const pem = (name: string): string => readFileSync(join(site.directory, name), 'utf8');
  const server = { cert: pem('cert.pem'), key: pem('key.pem') };
  site.remove();
  const tls = (serverSends: boolean, recordLength: number, connections = 1): Promise<Cost> =>
    tlsStream(left, right, server, { serverSends, recordLength, connections, seconds });
  try {
    layVeth(left, right);
    const cases = {
      receiveBulk: () => tls(false, BULK_RECORD),
      receiveRecords: () => tls(false, LIMIT_RECORD_LENGTH),
      receiveSpread: () => tls(false, SPREAD_RECORD_LENGTH, SPREAD_CONNECTIONS),
      sendBulk: () => tls(true, BULK_RECORD),
      sendRecords: () => tls(true, LIMIT_RECORD_LENGTH),
      sendSpread: () => tls(true, SPREAD_RECORD_LENGTH, SPREAD_CONNECTIONS),
      packets: () => tunCopy(left, right, false, Math.max(seconds, 1)),
      superPackets: () => tunCopy(left, right, true, Math.max(seconds, 1)),
    };
    const samples: Record<keyof typeof cases, Cost[]> = {
      receiveBulk: [],
      receiveRecords: [],
      receiveSpread: [],
      sendBulk: [],
      sendRecords: [],
      sendSpread: [],
      packets: [],
      superPackets: [],
    };
    for (let round = 1; round <= rounds; round++) {
      for (const [name, measure] of Object.entries(cases)) {
        console.error(`  ${name}, ${seconds} s, round ${round} of ${rounds}`);
        samples[name as keyof typeof cases].push(await measure());
      }
    }
    const limits: Limits = {
      tls: {
        receive: {
          bulk: medians(samples.receiveBulk),
          records: medians(samples.receiveRecords),
          spread: medians(samples.receiveSpread),
        },
        send: {
          bulk: medians(samples.sendBulk),
          records: medians(samples.sendRecords),
          spread: medians(samples.sendSpread),
        },
      },
      tun: { packets: medians(samples.packets), superPackets: medians(samples.superPackets) },
    };
    const row = (what: string, { gigabitsPerSecond, cpuPerGb, microsecondsPerUnit }: Cost, unit: string): void =>
      report({
        what,
        'Gbit/s': gigabitsPerSecond,
        'CPU s/GB': cpuPerGb,
        'CPU us each': microsecondsPerUnit,
        each: unit,
      });
    row('TLS receive, full records', limits.tls.receive.bulk, `${BULK_RECORD} B record`);
    row(`TLS receive, a record per packet`, limits.tls.receive.records, `${LIMIT_RECORD_LENGTH} B record`);
    row(spreadName('receive'), limits.tls.receive.spread, `${SPREAD_RECORD_LENGTH} B record`);
    row('TLS send, full records', limits.tls.send.bulk, `${BULK_RECORD} B record`);
    row(`TLS send, a record per packet`, limits.tls.send.records, `${LIMIT_RECORD_LENGTH} B record`);
    row(spreadName('send'), limits.tls.send.spread, `${SPREAD_RECORD_LENGTH} B record`);
    row('TUN to TUN, packets', limits.tun.packets, 'packet');
    row('TUN to TUN, super-packets', limits.tun.superPackets, 'packet of up to 64 KiB');
    for (const direction of ['upload', 'download'] as const) {
      report({
        what: `least for a gateway, ${direction}`,
        'Gbit/s': '',
        'CPU s/GB': leastCost(limits, direction),
        'CPU us each': '',
        each: '',
      });
    }
    return { seconds, rounds, limits, samples };
  } finally {
    right.delete();
    left.delete();
  }
};

function spreadName(direction: 'receive' | 'send'): string {
  return `TLS ${direction}, ${SPREAD_CONNECTIONS} connections in turn`;
}

interface StreamOptions {
  readonly serverSends: boolean;
  readonly connections: number;
  readonly recordLength: number;
  readonly seconds: number;
}

/** The server, on the left, is in the gateway's place. */
async function tlsStream(
  left: Namespace,
  right: Namespace,
  server: { readonly cert: string; readonly key: string },
  { serverSends, recordLength, connections, seconds }: StreamOptions,
): Promise<Cost> {
  const common = { host: OUTER.gateway, port: TLS_PORT, recordLength, connections, seconds };
  const listening: EndpointRequest = { ...common, sends: serverSends, server };
  const [listener] = await startScript(left, 'tls-endpoint', listening);
  const connecting: EndpointRequest = { ...common, sends: !serverSends };
  const client = runScript(right, 'tls-endpoint', connecting);
  const report = JSON.parse(await listener.line(text => text.startsWith('{'))) as EndpointReport;
  await Promise.all([listener.stop(), client.stop()]);
  return cost(report.bytes, report.seconds, report.cpuSeconds, report.bytes / recordLength);
}

async function tunCopy(left: Namespace, right: Namespace, superPackets: boolean, seconds: number): Promise<Cost> {
  const devices = ['left', 'right'] as const;
  const request: CopyRequest = { devices, superPackets };
  // The devices are made in the left namespace; one of them moves.
  const [copier] = await startScript(left, 'tun-copy', request);
  try {
    left.ip('link', 'set', 'dev', 'right', 'netns', right.name);
    for (const [side, device, address, peer] of [
      [left, 'left', INNER.left, INNER.right],
      [right, 'right', INNER.right, INNER.left],
    ] as const) {
      side.ip('link', 'set', 'dev', device, 'addrgenmode', 'none', 'mtu', String(MTU), 'txqueuelen', '1000', 'up');
      side.ip('address', 'add', address, 'peer', peer, 'dev', device);
    }
    const [server] = await startServers(left, INNER.left, [IPERF_PORT]);
    const before = { cpu: cpuSeconds(copier.pid), packets: packetsRead(left, 'left') + packetsRead(right, 'right') };
    const { bytes, bitsPerSecond } = await transfer({
      from: right,
      address: INNER.right,
      server: INNER.left,
      port: IPERF_PORT,
      direction: 'upload',
      seconds,
    });
    const cpu = cpuSeconds(copier.pid) - before.cpu;
    const packets = packetsRead(left, 'left') + packetsRead(right, 'right') - before.packets;
    server?.kill();
    return cost(bytes, (bytes * 8) / bitsPerSecond, cpu, packets);
  } finally {
    await copier.stop();
  }
}

/** Packets that the kernel gave to the process behind the device. */
function packetsRead(side: Namespace, device: string): number {
  const [{ stats64 } = { stats64: { tx: { packets: Number.NaN } } }] = JSON.parse(
    side.ip('-s', '-j', 'link', 'show', 'dev', device),
  ) as { stats64: { tx: { packets: number } } }[];
  return stats64.tx.packets;
}

function cost(bytes: number, seconds: number, cpu: number, units: number): Cost {
  return {
    gigabitsPerSecond: (bytes * 8) / seconds / GIGA,
    cpuPerGb: cpu / (bytes / GIGA),
    microsecondsPerUnit: (cpu * 1e6) / units,
  };
}

function medians(samples: readonly Cost[]): Cost {
  return {
    gigabitsPerSecond: median(samples.map(sample => sample.gigabitsPerSecond)),
    cpuPerGb: median(samples.map(sample => sample.cpuPerGb)),
    microsecondsPerUnit: median(samples.map(sample => sample.microsecondsPerUnit)),
  };
}
