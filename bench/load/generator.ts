/** node generator.js: many clients of the project's library in one process, driven over the IPC channel (protocol.ts). */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { SstpClient } from '../../src/client/sstp-client.ts';
import { TunnelRefusedError } from '../../src/client/tunnel-refused-error.ts';
import { HttpsOpenError } from '../../src/https/open-error.ts';
import { Arrivals } from './arrivals.ts';
import { Datagram } from './datagram.ts';
import { pace } from './pacer.ts';
import { Pings } from './pings.ts';
import type {
  CloseReport,
  CloseRequest,
  ConnectReport,
  ConnectRequest,
  GeneratorCommands,
  PacketStream,
  PingReport,
  PingRequest,
  SendReport,
  UploadRequest,
} from './protocol.ts';
import { serveCommands } from './serve-commands.ts';
import { startStopwatch } from './stopwatch.ts';

/** What a client of Windows asks for. */
const MTU = 1400;
/** Orderly ends at a time. */
const END_WIDTH = 64;
/** How long pings that are still on their way are waited for. */
const LAST_PING_MS = 1000;

interface Tunnel {
  readonly client: SstpClient;
  readonly index: number;
  /** Of the next packet to upload. */
  sequence: number;
}

const sinceStart = startStopwatch();
const runtime = await createClientRuntime();
const { view } = runtime.path;
/** Packets are laid out here. Scratch memory would do for one turn of the event loop only. */
const packetAt = runtime.blocks.take();
const arrivals = new Arrivals(view);
const pings = new Pings(view);
const ended: Record<string, number> = {};
const tunnels: Tunnel[] = [];
let lastIndex = 0;

serveCommands<GeneratorCommands>({
  connect,
  upload,
  startCounting: () => {
    arrivals.startCounting();
    return {};
  },
  counted: () => arrivals.report(),
  ping,
  status: () => ({ up: tunnels.filter(isUp).length, ended, cpuSeconds: sinceStart().cpuSeconds }),
  close,
});

async function connect(request: ConnectRequest): Promise<ConnectReport> {
  const { count, concurrency, perSecond } = request;
  const stopwatch = startStopwatch();
  const failures: Record<string, number> = {};
  const latenciesMs: number[] = [];
  const addresses: number[] = [];
  await inLanes(count, concurrency, async index => {
    if (perSecond !== undefined) await sleep(Math.max(0, (index / perSecond) * 1000 - stopwatch().elapsedMs));
    const started = performance.now();
    try {
      const { client } = await openTunnel(request);
      latenciesMs.push(performance.now() - started);
      addresses.push(client.network.address);
    } catch (error) {
      countUp(failures, failureName(error));
    }
  });
  return { up: addresses.length, failures, latenciesMs, addresses, ...stopwatch() };
}

async function openTunnel({ target, packetsPerRecord = 'many' }: ConnectRequest): Promise<Tunnel> {
  const index = ++lastIndex;
  const client: SstpClient = await SstpClient.connect(
    runtime,
    { ...target, mtu: MTU, packetsPerRecord },
    {
      receivePacket: (at, length) => {
        if (!arrivals.receive(index, at, length)) pings.receive(client.network.gateway, at, length);
      },
      ended: reason => countUp(ended, reason),
    },
  );
  const tunnel = { client, index, sequence: 0 };
  tunnels.push(tunnel);
  return tunnel;
}

async function upload(request: UploadRequest): Promise<SendReport> {
  const { destination, port, packetLength } = request;
  const datagram = new Datagram(view, packetAt, packetLength, port);
  return stream(request, request.tunnels, tunnel => {
    const { address, gateway } = tunnel.client.network;
    datagram.stamp(address, destination ?? gateway, tunnel.sequence);
    const isQueued = tunnel.client.queuePacket(packetAt, packetLength);
    if (isQueued) tunnel.sequence += 1;
    return isQueued;
  });
}

async function ping(request: PingRequest): Promise<PingReport> {
  pings.take();
  const { sent, cpuSeconds } = await stream(request, request.tunnels, tunnel =>
    pings.send(tunnel, packetAt, request.packetLength),
  );
  const giveUpAt = performance.now() + LAST_PING_MS;
  while (pings.received < sent && performance.now() < giveUpAt) await sleep(10);
  const roundTripsMs = pings.take();
  return { sent, received: roundTripsMs.length, roundTripsMs, cpuSeconds };
}

/** Lets the first `width` tunnels send in turn; what one turn of the event loop queued goes out at its end. */
async function stream(
  rate: PacketStream,
  width: number | undefined,
  queuePacket: (tunnel: Tunnel) => boolean,
): Promise<SendReport> {
  const senders = tunnels.filter(isUp).slice(0, width);
  if (senders.length === 0) throw new Error('no tunnel is up');
  const stopwatch = startStopwatch();
  let next = 0;
  let sent = 0;
  let refused = 0;
  await pace(rate, packets => {
    const first = next;
    for (let count = 0; count < packets; count++) {
      const tunnel = senders[next]!;
      if (queuePacket(tunnel)) sent++;
      else refused++;
      next = next + 1 === senders.length ? 0 : next + 1;
    }
    for (let count = 0; count < Math.min(packets, senders.length); count++) {
      senders[(first + count) % senders.length]!.client.flush();
    }
  });
  return { sent, refused, ...stopwatch() };
}

async function close({ how, last = tunnels.length }: CloseRequest): Promise<CloseReport> {
  const stopwatch = startStopwatch();
  const open = tunnels.splice(Math.max(0, tunnels.length - last)).filter(isUp);
  if (how === 'abort') for (const { client } of open) client.abort();
  else await inLanes(open.length, END_WIDTH, index => open[index]!.client.end());
  return { closed: open.length, elapsedMs: stopwatch().elapsedMs };
}

/** Runs `task` for 0..count-1, `width` at a time. */
async function inLanes(count: number, width: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await task(index);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

function isUp({ client }: Tunnel): boolean {
  return client.isUp;
}

function failureName(error: unknown): string {
  if (error instanceof HttpsOpenError) return error.code;
  if (error instanceof TunnelRefusedError) return error.reason;
  throw error;
}

function countUp(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
