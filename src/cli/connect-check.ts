// `connect --check`: a tunnel that is only tried, without a network device.
import type { ClientRuntime } from '../client/client-runtime.ts';
import { echoRequestLength, emitEchoRequest, parseEchoReply } from '../client/ping.ts';
import { SstpClient } from '../client/sstp-client.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { VIRTIO_HEADER_LENGTH } from '../wire/virtio.ts';
import type { ConnectPlan } from './connect-options.ts';
import { networkFacts, TunnelWatch } from './connect-watch.ts';

/** How long a ping may take before it counts as lost. */
const PING_TIMEOUT_MS = 2_000;
const PING_PAYLOAD = 56;
const PING_IDENTIFIER = 0x5353;

interface Report {
  readonly client: SstpClient;
  readonly ok: boolean;
  readonly upMs: number;
  /** Undefined when there is no address to ping. */
  readonly target: number | undefined;
  readonly sent: number;
  /** Milliseconds of each ping that was answered. */
  readonly roundTrips: readonly number[];
}

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
    const { gateway } = client.network;
    const target = plan.pingTarget ?? (gateway === 0 ? undefined : gateway);
    const sent = target === undefined ? 0 : plan.pings;
    const roundTrips = target === undefined ? [] : await watch.orLost(pings.run(client, target, sent));
    await client.end();
    const ok = sent === 0 || roundTrips.length > 0;
    print({ client, ok, upMs, target, sent, roundTrips }, json);
    return ok;
  } finally {
    await client.end();
  }
}

function print({ client, ok, upMs, target, sent, roundTrips }: Report, json: boolean): void {
  const { tls } = client.connection;
  const { address, gateway, dns } = client.network;
  if (json) {
    const pings = { sent, received: roundTrips.length, roundTripMs: roundTrips };
    console.log(
      JSON.stringify({ ok, ...networkFacts(client), tls: { version: tls.version, cipher: tls.cipher }, upMs, pings }),
    );
  } else {
    console.log(`tunnel up in ${upMs.toFixed(0)} ms: ${tls.version}, ${tls.cipher}`);
    const place = gateway === 0 ? 'a server that does not name its own' : `gateway ${formatIpv4(gateway)}`;
    console.log(`address ${formatIpv4(address)}, ${place}, MTU ${client.mtu}`);
    if (dns.length > 0) console.log(`DNS ${dns.map(formatIpv4).join(', ')}`);
    if (target === undefined) console.log('nothing to ping: give an address with --ping');
    else if (sent > 0) console.log(`ping ${formatIpv4(target)}: ${answers(sent, roundTrips)}`);
    console.log('disconnected');
  }
}

function answers(sent: number, roundTrips: readonly number[]): string {
  const average = roundTrips.reduce((sum, ms) => sum + ms, 0) / roundTrips.length;
  const suffix = roundTrips.length > 0 ? `, ${average.toFixed(2)} ms on average` : '';
  return `${roundTrips.length} of ${sent} answered${suffix}`;
}

/** Pings one at a time. */
class Pings {
  readonly #runtime: ClientRuntime;
  #target = 0;
  #sequence = 0;
  #answered: (() => void) | undefined;

  constructor(runtime: ClientRuntime) {
    this.#runtime = runtime;
  }

  /** @returns the round trips of those that were answered in time, in milliseconds */
  async run(client: SstpClient, target: number, count: number): Promise<number[]> {
    this.#target = target;
    const roundTrips: number[] = [];
    while (this.#sequence < count && client.isUp) {
      this.#sequence += 1;
      const ms = await this.#send(client);
      if (ms !== undefined) roundTrips.push(ms);
    }
    return roundTrips;
  }

  receive(at: number, length: number): void {
    const sequence = parseEchoReply(this.#runtime.path.view, at, at + length, this.#target, PING_IDENTIFIER);
    if (sequence === this.#sequence) this.#answered?.();
  }

  async #send(client: SstpClient): Promise<number | undefined> {
    const { path } = this.#runtime;
    const request = {
      source: client.network.address,
      destination: this.#target,
      identifier: PING_IDENTIFIER,
      sequence: this.#sequence,
      payloadLength: PING_PAYLOAD,
    };
    const sent = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<number | undefined>(resolve => {
      this.#answered = () => resolve(performance.now() - sent);
      timer = setTimeout(() => resolve(undefined), PING_TIMEOUT_MS);
    });
    // A zero virtio header in front: nobody else writes to the scratch region.
    const at = path.scratchAt + VIRTIO_HEADER_LENGTH;
    emitEchoRequest(path.view, at, request);
    client.queuePacket(at, echoRequestLength(request));
    client.flush();
    const result = await answer;
    clearTimeout(timer);
    return result;
  }
}
