// `connect --check`: a tunnel that is only tried, without a network device.
import type { ClientRuntime } from '../client/client-runtime.ts';
import { emitEchoRequest, encodeEchoRequest6, parseEchoReply, parseEchoReply6 } from '../client/ping.ts';
import { SstpClient } from '../client/sstp-client.ts';
import { formatIpv4, ipVersion } from '../wire/ip.ts';
import { formatIpv6 } from '../wire/ipv6.ts';
import { VIRTIO_HEADER_LENGTH } from '../wire/virtio.ts';
import type { ConnectPlan } from './connect-options.ts';
import { printJson } from './json-output.ts';
import { CONFIGURATION_LIMIT_MS, networkFacts, networkLines, TunnelWatch } from './connect-watch.ts';

/** How long a ping may take before it counts as lost. */
const PING_TIMEOUT_MS = 2_000;
const PING_PAYLOAD = 56;
const PING_IDENTIFIER = 0x5353;

interface Report {
  readonly client: SstpClient;
  readonly ok: boolean;
  readonly upMs: number;
  /** One for each address that was pinged, IPv4 first; none when there is nothing to ping. */
  readonly rounds: readonly PingRound[];
  /** Taken while the tunnel was up. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

interface PingRound {
  readonly target: string;
  readonly sent: number;
  /** Milliseconds of each ping that was answered. */
  readonly roundTrips: readonly number[];
}

/** What to ping, and as whom. */
type PingTarget =
  | { readonly family: 4; readonly text: string; readonly source: number; readonly destination: number }
  | { readonly family: 6; readonly text: string; readonly source: bigint; readonly destination: bigint };

/**
 * Prints a report.
 * @returns whether the tunnel works: false when pings were sent and none was answered
 * @throws CommandError when the tunnel is lost meanwhile; what `SstpClient.connect` throws
 */
export async function checkTunnel(runtime: ClientRuntime, plan: ConnectPlan, json: boolean): Promise<boolean> {
  const watch = new TunnelWatch(plan.interrupted);
  const pings = new Pings(runtime);
  const started = performance.now();
  const client = await SstpClient.connect(runtime, plan.client, {
    receivePacket: (at, length) => pings.receive(at, length),
    ended: reason => watch.ended(reason),
  });
  const upMs = performance.now() - started;
  try {
    if (plan.client.ipv6 === true) await watch.orLost(client.configured(CONFIGURATION_LIMIT_MS));
    const rounds: PingRound[] = [];
    for (const target of targetsOf(client, plan)) {
      const roundTrips = await watch.orLost(pings.run(client, target, plan.pings));
      rounds.push({ target: target.text, sent: plan.pings, roundTrips });
    }
    const facts = { ...networkFacts(client) };
    const lines = networkLines(client, client.mtu);
    await client.end();
    const ok = rounds.every(({ sent, roundTrips }) => sent === 0 || roundTrips.length > 0);
    print({ client, ok, upMs, rounds, facts, lines }, json);
    return ok;
  } finally {
    await client.end();
  }
}

/** The server, by each family that the tunnel has, unless the user names an address: that is an IPv4 one. */
function targetsOf({ ipv4, ipv6 }: SstpClient, plan: ConnectPlan): PingTarget[] {
  const targets: PingTarget[] = [];
  const destination = plan.pingTarget ?? ipv4?.gateway ?? 0;
  if (ipv4 !== undefined && destination !== 0) {
    targets.push({ family: 4, text: formatIpv4(destination), source: ipv4.address, destination });
  }
  if (ipv6?.gateway !== undefined) {
    targets.push({
      family: 6,
      text: formatIpv6(ipv6.gateway),
      source: ipv6.linkLocal,
      destination: ipv6.gateway,
    });
  }
  return targets;
}

function print({ client, ok, upMs, rounds, facts, lines }: Report, json: boolean): void {
  const { version, cipher } = client.connection.tls;
  if (json) {
    const [first, ...others] = rounds.map(({ target, sent, roundTrips }) => ({
      target,
      sent,
      received: roundTrips.length,
      roundTripMs: roundTrips,
    }));
    const pings = first ?? { sent: 0, received: 0, roundTripMs: [] };
    const more = others.length === 0 ? {} : { morePings: others };
    printJson({ ok, ...facts, tls: { version, cipher }, upMs, pings, ...more }, 'line');
    return;
  }
  console.log(`tunnel up in ${upMs.toFixed(0)} ms: ${version}, ${cipher}`);
  for (const line of lines) console.log(line);
  if (rounds.length === 0) console.log('nothing to ping: give an address with --ping');
  for (const { target, sent, roundTrips } of rounds) {
    if (sent > 0) console.log(`ping ${target}: ${answers(sent, roundTrips)}`);
  }
  console.log('disconnected');
}

function answers(sent: number, roundTrips: readonly number[]): string {
  const average = roundTrips.reduce((sum, ms) => sum + ms, 0) / roundTrips.length;
  const suffix = roundTrips.length > 0 ? `, ${average.toFixed(2)} ms on average` : '';
  return `${roundTrips.length} of ${sent} answered${suffix}`;
}

/** Pings one at a time. */
class Pings {
  readonly #runtime: ClientRuntime;
  #target: PingTarget | undefined;
  #sequence = 0;
  #answered: (() => void) | undefined;

  constructor(runtime: ClientRuntime) {
    this.#runtime = runtime;
  }

  /** @returns the round trips of those that were answered in time, in milliseconds */
  async run(client: SstpClient, target: PingTarget, count: number): Promise<number[]> {
    this.#target = target;
    const roundTrips: number[] = [];
    for (let sent = 0; sent < count && client.isUp; sent++) {
      this.#sequence += 1;
      const ms = await this.#send(client, target);
      if (ms !== undefined) roundTrips.push(ms);
    }
    return roundTrips;
  }

  receive(at: number, length: number): void {
    if (this.#target !== undefined && this.#sequenceOf(this.#target, at, length) === this.#sequence) this.#answered?.();
  }

  #sequenceOf({ family, destination }: PingTarget, at: number, length: number): number | undefined {
    const { view, memory } = this.#runtime.path;
    if (ipVersion(view, at) !== family) return undefined;
    return typeof destination === 'bigint'
      ? parseEchoReply6(memory.subarray(at, at + length), destination, PING_IDENTIFIER)
      : parseEchoReply(view, at, at + length, destination, PING_IDENTIFIER);
  }

  async #send(client: SstpClient, target: PingTarget): Promise<number | undefined> {
    const { path } = this.#runtime;
    const sent = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<number | undefined>(resolve => {
      this.#answered = () => resolve(performance.now() - sent);
      timer = setTimeout(() => resolve(undefined), PING_TIMEOUT_MS);
    });
    // A zero virtio header in front: nobody else writes to the scratch region.
    const at = path.scratchAt + VIRTIO_HEADER_LENGTH;
    const echo = { identifier: PING_IDENTIFIER, sequence: this.#sequence, payloadLength: PING_PAYLOAD };
    if (target.family === 4) {
      const { source, destination } = target;
      const end = emitEchoRequest(path.view, at, { source, destination, ...echo });
      client.queuePacket(at, end - at);
    } else {
      const packet = encodeEchoRequest6({ ...echo, source: target.source, destination: target.destination });
      path.memory.set(packet, at);
      client.queuePacket(at, packet.length);
    }
    client.flush();
    const result = await answer;
    clearTimeout(timer);
    return result;
  }
}
