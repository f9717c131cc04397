/**
 * Runs in a network namespace of its own: packets of every kind through the tunnel of a real gateway, in both directions. Reports as one
 * JSON line.
 *
 *   client library --- TLS --- gateway --- hp0 (kernel, router) far --- this process
 *
 * Rounds are traffic of a few flows, with all that must not be joined among what may; what arrives is held against what was sent, byte for
 * byte. Noise is what no peer should send: only that everybody survives it matters, which the rounds after it tell.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { SstpClient } from '../../src/client/sstp-client.ts';
import { NO_OFFLOADS } from '../../src/tun/offloads.ts';
import { runIp } from '../../src/tun/ip-command.ts';
import { TunDevice } from '../../src/tun/tun-device.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { forwarded } from '../hotpath/flow-packets.ts';
import { concat } from '../hotpath/packets.ts';
import { hex, interleave, packetsOf, Traffic } from '../hotpath/traffic.ts';
import { holdForGro, openNapiTun } from '../tun/napi-tun.ts';
import { PacketSocket } from '../tun/packet-socket.ts';
import { landingArea, Recorder, send } from '../tun/recorder.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { hostRoutes } from './host-routes.ts';
import { noiseFrames, noisePackets } from './noise.ts';
import { PASSWORD, USER, createSite } from './site.ts';

type Direction = 'upload' | 'download' | 'download in super-packets';

export interface HostileReport {
  readonly rounds: Readonly<Record<Direction, Tally>>;
  /** Packets of noise; `taken` are those of the network's that the kernel could give to the device. */
  readonly noise: { readonly upload: number; readonly download: number; readonly taken: number };
  /** Of the gateway, after all that. */
  readonly restarts: readonly number[];
  readonly sessionsUp: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly exitCode: number | null;
}

interface Tally {
  sent: number;
  arrived: number;
  /** Packets that passed the gateway's device for them: less where super-packets were joined. */
  onDevice: number;
  /** Of flows with packets that are missing, new, changed or out of order. */
  faults: string[];
}

const ROUNDS = 30;
/** Of a payload, so that no packet is longer than the tunnel's MTU. */
const MAX_SIZE = 1300;
const NOISE = 5000;
const NOISE_BATCH = 50;
const ROUND_LIMIT_MS = 5000;
const QUIET_MS = 100;
const GRO_HOLD_US = 200;
const LANDING_SLOTS = 64;
const QUEUE_PACKETS = '4000';
const DEVICE = 'hp0';
const FAR = 'far';

writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
const site = await createSite({
  workers: 1,
  network: { mode: 'tun', device: 'hp', ipv4: { pool: ['10.66.0.0/24'], gateway: '10.66.0.1' } },
});
const gateway = await GatewayProcess.start(site);
const landing = landingArea(LANDING_SLOTS);
const far = new TunDevice(openNapiTun(FAR, NO_OFFLOADS), landing);
const atFar = new Recorder(landing);
far.start(atFar);
holdForGro(FAR, GRO_HOLD_US);
await runIp('link', 'set', 'dev', FAR, 'addrgenmode', 'none', 'txqueuelen', QUEUE_PACKETS, 'up');
await runIp('route', 'add', '192.0.2.0/24', 'dev', FAR);

const runtime = await createClientRuntime();
const https = { host: 'localhost', port: gateway.port, ca: site.ca };
const atClient: Uint8Array[] = [];
const client = await SstpClient.connect(
  runtime,
  { https, user: USER, password: PASSWORD, auth: ['mschapv2'], mtu: 1500 },
  {
    receivePacket: (at, length) => atClient.push(runtime.path.memory.slice(at, at + length)),
    ended: reason => {
      throw new Error(`the tunnel ended: ${reason}`);
    },
  },
);
const host = client.network.address & 0xff;
await routed(1);

const rounds: HostileReport['rounds'] = {
  upload: { sent: 0, arrived: 0, onDevice: 0, faults: [] },
  download: { sent: 0, arrived: 0, onDevice: 0, faults: [] },
  'download in super-packets': { sent: 0, arrived: 0, onDevice: 0, faults: [] },
};
await transferRounds(1);
const noise = { upload: await noiseFromClient(), ...(await noiseFromNetwork()) };
await quiet();
await transferRounds(2);
// A tunnel that did not have to bear it.
const bystander = await TestClient.connect(runtime, { https });
await routed(2);
await bystander.ping();

const { workers, sessions, counters } = await gateway.status();
await bystander.client.end();
await client.end();
far.close();
const report: HostileReport = {
  rounds,
  noise,
  restarts: workers.map(({ restarts }) => restarts),
  sessionsUp: sessions.up,
  drops: counters.drops,
  exitCode: await gateway.stop(),
};
site.remove();
console.log(JSON.stringify(report));

/** The kernel is told in batches, a few milliseconds behind the table. */
async function routed(clients: number): Promise<void> {
  for (let tries = 0; tries < 100 && hostRoutes('hp').length < clients; tries++) await sleep(20);
}

// --- rounds

async function transferRounds(seed: number): Promise<void> {
  for (const { flows, turns } of fc.sample(Traffic, { seed, numRuns: ROUNDS })) {
    // IPv4 alone passes through the tunnels.
    const sent = interleave(
      flows.map((flow, index) => packetsOf({ ...flow, version: 4, size: Math.min(flow.size, MAX_SIZE) }, index, host)),
      turns,
    ).packets;
    const answers = sent.map(swapAddresses);
    await round('upload', sent, uploadPackets, atFar.packets);
    holdForGro(FAR, 0);
    await round('download', answers, downloadPackets, atClient);
    holdForGro(FAR, GRO_HOLD_US);
    await round('download in super-packets', answers, downloadPackets, atClient);
  }
}

/** Sends the packets in one go, and looks at what has come out of the other end. */
async function round(
  direction: Direction,
  sent: readonly Uint8Array[],
  inject: (packets: readonly Uint8Array[]) => void,
  arrived: Uint8Array[],
): Promise<void> {
  // Routers do not forward what is shorter than it says.
  const expected = sent.filter(packet => packet.length === new DataView(packet.buffer).getUint16(2)).map(forwarded);
  const wanted = byFlow(expected);
  // Hosts have things to say about noise, some of them late.
  const found = (): Uint8Array[] => arrived.filter(packet => wanted.has(flowOf(packet)));
  arrived.length = 0;
  const before = devicePackets();
  inject(sent);
  const limit = performance.now() + ROUND_LIMIT_MS;
  while (found().length < expected.length && performance.now() < limit) await sleep(1);
  const tally = rounds[direction];
  tally.sent += expected.length;
  tally.arrived += found().length;
  tally.onDevice += devicePackets() - before;
  const foundByFlow = byFlow(found());
  for (const [flow, want] of wanted) {
    const find = foundByFlow.get(flow) ?? [];
    // Linux's GRO lets packets that it cannot join overtake those that it holds.
    if (direction === 'download in super-packets') for (const packets of [want, find]) packets.sort();
    const at = want.findIndex((packet, index) => packet !== find[index]);
    if (at < 0 && want.length === find.length) continue;
    tally.faults.push(`${flow}: ${find.length} of ${want.length}, from ${at} on: ${want[at]} became ${find[at]}`);
  }
}

function devicePackets(): number {
  const counts = ['rx', 'tx'].map(way => readFileSync(`/sys/class/net/${DEVICE}/statistics/${way}_packets`, 'latin1'));
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

function byFlow(packets: readonly Uint8Array[]): Map<string, string[]> {
  const flows = new Map<string, string[]>();
  for (const packet of packets) {
    const flow = flowOf(packet);
    flows.set(flow, [...(flows.get(flow) ?? []), hex(packet)]);
  }
  return flows;
}

/** Protocol and ports. */
function flowOf(packet: Uint8Array): string {
  const ports = (packet[0]! & 0x0f) * 4;
  return `${packet[9]} ${hex(packet.subarray(ports, ports + 4))}`;
}

/** From the far side to the client: no checksum changes. */
function swapAddresses(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  copy.set(packet.subarray(12, 16), 16);
  copy.set(packet.subarray(16, 20), 12);
  return copy;
}

function uploadPackets(packets: readonly Uint8Array[]): void {
  const { memory, scratchAt } = runtime.path;
  const at = scratchAt + VIRTIO_HEADER_LENGTH;
  memory.fill(0, scratchAt, at);
  for (const packet of packets) {
    memory.set(packet, at);
    if (!client.queuePacket(at, packet.length)) throw new Error('the client did not take a packet');
  }
  client.flush();
}

function downloadPackets(packets: readonly Uint8Array[]): void {
  for (const packet of packets) send(far, landing, packet);
}

// --- noise

/** Data packets as they would be cut off the TLS stream, past all that our client sees to. */
async function noiseFromClient(): Promise<number> {
  const frames = noiseFrames(NOISE, host);
  for (let from = 0; from < frames.length; from += NOISE_BATCH) {
    const batch = concat(...frames.slice(from, from + NOISE_BATCH));
    await new Promise<void>(resolve => client.connection.send(batch, resolve));
  }
  return frames.length;
}

/** What the kernel would never hand to the gateway's device, and what it might. */
async function noiseFromNetwork(): Promise<{ download: number; taken: number }> {
  const socket = new PacketSocket(DEVICE);
  let taken = 0;
  for (const [index, [header, packet]] of noisePackets(NOISE, host).entries()) {
    // To our tunnel, or the gateway would not look any further.
    if (packet.length >= 20 && packet[0]! >> 4 === 4 && index % 16 !== 0) packet.set([10, 66, 0, host], 16);
    if (socket.send(header, packet)) taken += 1;
    if (index % NOISE_BATCH === 0) await sleep(1);
  }
  socket.close();
  return { download: NOISE, taken };
}

/** Until nothing of the noise is under way. */
async function quiet(): Promise<void> {
  for (let before = -1; before !== atClient.length + atFar.packets.length;) {
    before = atClient.length + atFar.packets.length;
    await sleep(QUIET_MS);
  }
}
