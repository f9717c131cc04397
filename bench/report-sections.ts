/** What the report says about each benchmark, in the order in which it says it. */
import type { Row } from './benchmark.ts';

/** A chart of the table's own numbers. Rows without a number there do not appear. */
export interface ChartSpec {
  /** Name of the file, without extension. */
  readonly name: string;
  readonly title: string;
  /** Columns that name a group of bars, joined. */
  readonly label: (row: Row) => string;
  /** Each of these columns is a series, or each different content of the column `by`, whose numbers are in `value`. */
  readonly series: readonly string[] | { readonly by: string; readonly value: string };
  readonly only?: (row: Row) => boolean;
}

export interface Section {
  readonly benchmark: string;
  readonly title: string;
  readonly text: string;
  readonly charts: readonly ChartSpec[];
}

const tunnels = ({ tunnels: count }: Row): string => `${String(count)} ${Number(count) === 1 ? 'tunnel' : 'tunnels'}`;
const familyTunnels = (row: Row): string => `${String(row['family'])}, ${tunnels(row)}`;
const isUnlimited = (row: Row): boolean => String(row['path']).startsWith('as fast');

export const SECTIONS: readonly Section[] = [
  {
    benchmark: 'limit',
    title: 'What the machine allows',
    text: `The two things that a gateway does with each byte, each on its own and in Node as the gateway does it: TLS with
nothing behind it, and a copy from one TUN device to another. A gateway does TLS once, and one half of the copy; a gateway that
adds nothing to them costs what the last rows say. Other sections compare with that.`,
    charts: [
      {
        name: 'limit-cpu',
        title: 'CPU seconds per GB',
        label: row => String(row['what']),
        series: ['CPU s/GB'],
      },
    ],
  },
  {
    benchmark: 'tcp',
    title: 'TCP',
    text: `One TCP connection of iperf3 in each tunnel, all at once, through one worker. A GB is 10^9 bytes of payload. Clients,
gateway and both ends of iperf3 share the machine, so Gbit/s is what all of them reach together, and CPU seconds per GB is the
figure to plan with. A call of the TUN device carries one super-packet, of as many packets as the kernel or the client sent in one go: the less
each of many connections sends at a time, the more each byte costs. A TLS call is a received record for uploads, a write for downloads.`,
    charts: [
      {
        name: 'tcp-cpu',
        title: 'Gateway CPU seconds per GB',
        label: familyTunnels,
        series: { by: 'direction', value: 'gateway CPU s/GB' },
      },
      { name: 'tcp-rate', title: 'Gbit/s', label: familyTunnels, series: { by: 'direction', value: 'Gbit/s' } },
    ],
  },
  {
    benchmark: 'udp',
    title: 'UDP',
    text: `Packets of one size, each for the next tunnel, through one worker. Flat out first, then at 60 % of the rate that came
through, where nothing should be lost. "A record each" is a client that gives each packet a TLS record of its own, as sstpc does.`,
    charts: [
      {
        name: 'udp-cpu',
        title: 'Gateway CPU microseconds per packet, flat out',
        label: row => `${String(row['bytes'])} B, ${tunnels(row)}`,
        series: { by: 'direction', value: 'gateway CPU us/packet' },
      },
    ],
  },
  {
    benchmark: 'setup',
    title: 'Setting up tunnels',
    text: `A storm of tunnels, MS-CHAPv2, each with a TLS handshake of its own; by the users file, and by a FreeRADIUS on the same machine that
decides and takes the accounting.`,
    charts: [
      {
        name: 'setup-cpu',
        title: 'Gateway CPU milliseconds per tunnel',
        label: row => String(row['certificate']),
        series: ['gateway CPU ms/tunnel'],
      },
    ],
  },
  {
    benchmark: 'idle',
    title: 'Idle tunnels',
    text: `Tunnels with default keepalives and nothing to carry.`,
    charts: [{ name: 'idle-memory', title: 'KB per tunnel', label: tunnels, series: ['KB/tunnel'] }],
  },
  {
    benchmark: 'rtt',
    title: 'Latency',
    text: `Pings through a tunnel. First with nothing in the way but the machine, where bulk transfers take all of its cores; then
over a path of 50 Mbit/s and 20 ms there and back, whose queue is that of the gateway's own interface, or of a router on the way
with a buffer of one bandwidth-delay product. The last word of such a path is the outer connection's congestion control.`,
    charts: [
      {
        name: 'rtt-unlimited',
        title: 'Ping, ms, nothing in the way but the machine',
        label: row => `load: ${String(row['load'])}`,
        series: ['p50 ms', 'p99 ms', 'p99.9 ms'],
        only: isUnlimited,
      },
      {
        name: 'rtt-slow-path',
        title: 'Ping, ms, 50 Mbit/s and 20 ms',
        label: row => `${String(row['path']).split(', ').slice(2).join(', ')}: ${String(row['load'])}`,
        series: ['p50 ms', 'p99 ms', 'p99.9 ms'],
        only: row => !isUnlimited(row),
      },
    ],
  },
  {
    benchmark: 'ratelimit',
    title: 'Rate limits',
    text: `One TCP connection of iperf3 through a tunnel whose user has a rate, on a path that takes no time and on one of 20 ms there
and back. What is measured is the rate of IP packets that arrived, which is what a limit counts: that of the payload and of 52 bytes of
headers in each packet. The pings go through the same tunnel, beside the transfer.`,
    charts: [
      {
        name: 'ratelimit-error',
        title: 'Measured rate, % of what was asked for',
        label: row => `${String(row['path'])}, ${String(row['TCP'])}, ${String(row['asked Mbit/s'])} Mbit/s`,
        series: { by: 'direction', value: 'of asked %' },
      },
      {
        name: 'ratelimit-ping',
        title: 'Ping beside the transfer, p50, ms',
        label: row => `${String(row['path'])}, ${String(row['TCP'])}, ${String(row['asked Mbit/s'])} Mbit/s`,
        series: { by: 'direction', value: 'ping p50 ms' },
      },
    ],
  },
  {
    benchmark: 'scale',
    title: 'From few tunnels to many',
    text: `What one more tunnel and one more packet costs when there are few or many already: should be flat.`,
    charts: [
      {
        name: 'scale-packets',
        title: 'Gateway CPU microseconds per packet',
        label: row =>
          `${tunnels(row)}, ${String(row['workers'])} ${Number(row['workers']) === 1 ? 'worker' : 'workers'}`,
        series: ['upload us/packet', 'download us/packet'],
        only: row => Number.isFinite(Number(row['tunnels'])),
      },
    ],
  },
  {
    benchmark: 'operate',
    title: 'Being watched',
    text: `Pings through tunnels of a gateway that holds thousands of idle ones, while clients come and go: in turn without readers, and with
one that asks for the list of all sessions and the metrics every second, beside ten WebSockets of events of which one never reads:
"events missed" are those that were not kept for it. A poll is both answers, one after the other. Live MB is the resident memory before the
first phase and after the last one, without garbage; MB/min the slope of the resident memory in between, garbage and all.`,
    charts: [
      {
        name: 'operate-ping',
        title: 'Ping, ms',
        label: row => `readers: ${String(row['readers'])}`,
        series: ['p50 ms', 'p99 ms', 'p99.9 ms'],
        only: row => row['readers'] !== 'difference',
      },
    ],
  },
  {
    benchmark: 'peers',
    title: 'Beside other servers',
    text: `The same load by the same generator against this gateway and against another server on the same machine.`,
    charts: [],
  },
  {
    benchmark: 'hotpath',
    title: 'The packet path alone',
    text: `Each function of the WebAssembly module against the same in plain TypeScript, without any input or output.`,
    charts: [
      {
        name: 'hotpath',
        title: 'Times faster than TypeScript',
        label: row => String(row['case']),
        series: ['times faster'],
      },
    ],
  },
];
