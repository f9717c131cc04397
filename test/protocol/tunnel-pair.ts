/** A client tunnel and a server tunnel over a virtual link, with a log of what passed on the wire. */
import assert from 'node:assert/strict';
import { chapMd5 } from '../../src/crypto/chap-md5.ts';
import { equal } from '../../src/crypto/constant-time.ts';
import { certificateHash, hlakFromMsChapV2 } from '../../src/crypto/crypto-binding.ts';
import { authenticatorResponse, matchNtResponse, ntPasswordHash } from '../../src/crypto/ms-chap-v2.ts';
import { ClientTunnel } from '../../src/protocol/client-tunnel.ts';
import type { TunnelEndReason } from '../../src/protocol/end-reason.ts';
import type {
  AuthMethod,
  Credentials,
  Ipv4Parameters,
  Ipv6Parameters,
  NetworkFamily,
  OpenNetwork,
  Verdict,
} from '../../src/protocol/ppp/credentials.ts';
import { ServerTunnel, type ServerTunnelOutput } from '../../src/protocol/server-tunnel.ts';
import type { Tunnel } from '../../src/protocol/tunnel.ts';
import { viewOf } from '../../src/wire/bytes.ts';
import { HashProtocol } from '../../src/wire/sstp.ts';
import { parsePppFrame, PppProtocol } from '../../src/wire/ppp.ts';
import { isWireError } from '../../src/wire/wire-error.ts';
import { describe as describeControl } from './sstp/call-recorder.ts';
import { VirtualLink, type LinkConditions } from './virtual-link.ts';

export const USER = 'CORP\\alice';
const PASSWORD = 'clientPass';
export const NETWORK: Ipv4Parameters = { address: 0x0a420005, gateway: 0x0a420001, dns: [0x0a420035], nbns: [] };

const NETWORK6: Ipv6Parameters = {
  interfaceId: 7n,
  gatewayInterfaceId: 1n,
  prefix: undefined,
  delegated: undefined,
  dns: [],
};

const NT_HASH = ntPasswordHash(PASSWORD);
const SSTP_HEADER_LENGTH = 4;
const CONTROL_BIT = 0x01;
const MINUTE = 60_000;

interface PairOptions {
  readonly method?: AuthMethod;
  readonly password?: string;
  /** What the client takes for the server's certificate. */
  readonly seenCertificate?: string;
  /** How long the server's owner thinks about credentials; Infinity for never. */
  readonly verdictDelayMs?: number;
  readonly lcpEchoMs?: number;
  /** What the user may have; a client asks for IPv6 only where there is some. IPv4 alone unless told otherwise. */
  readonly families?: readonly NetworkFamily[];
  /** Of both ends, and of both machines. */
  readonly authTimeoutMs?: number;
  /** What the server's owner takes for the key, with the right one as an alternative. */
  readonly hlak?: Uint8Array;
}

export class TunnelPair {
  readonly link: VirtualLink;
  readonly client: ClientTunnel;
  readonly server: ServerTunnel;
  readonly clientEnd: End;
  readonly serverEnd: End;
  /** Every packet that was sent, in the order of sending: 'C' from the client, 'S' from the server. */
  readonly wire: string[] = [];
  /** Decides whether a packet, as it reads in `wire`, gets onto the wire. */
  gate: (entry: string) => boolean = () => true;

  constructor(seed: number, conditions: LinkConditions, options: PairOptions = {}) {
    const { families = [4] } = options;
    const { method = 'mschapv2', password = PASSWORD, seenCertificate = 'certificate' } = options;
    const { verdictDelayMs = 20, lcpEchoMs = 30_000, authTimeoutMs = MINUTE, hlak } = options;
    this.link = new VirtualLink(seed, conditions);
    const random = (length: number): Uint8Array => this.link.random.bytes(length);
    const sstp = (certificate: string) => ({
      hashProtocols: HashProtocol.Sha1 | HashProtocol.Sha256,
      certificateHash: (hash: HashProtocol) => certificateHash(hash, new TextEncoder().encode(certificate)),
      negotiationTimeoutMs: authTimeoutMs,
      helloIntervalMs: MINUTE,
      random,
    });
    const ppp = {
      mru: 1_400,
      auth: [method],
      lcpEcho: { intervalMs: lcpEchoMs, failures: 4 },
      authTimeoutMs,
      random,
    };

    this.clientEnd = new End(
      packet => this.#transmit('C', packet),
      () => this.link.carry('toServer', () => this.serverEnd.hangUp(this.server)),
    );
    this.client = new ClientTunnel(this.clientEnd, {
      sstp: sstp(seenCertificate),
      ppp: { ...ppp, user: USER, password, requestDns: true, ipv6: families.includes(6) },
    });

    this.serverEnd = new End(
      packet => this.#transmit('S', packet),
      () => this.link.carry('toClient', () => this.clientEnd.hangUp(this.client)),
    );
    this.serverEnd.verify = credentials => {
      if (verdictDelayMs === Number.POSITIVE_INFINITY) return;
      const decided = decide(credentials, families);
      const verdict: Verdict =
        decided.kind === 'accepted' && hlak !== undefined
          ? { ...decided, hlak, hlakAlternatives: [decided.hlak] }
          : decided;
      this.link.after(verdictDelayMs, now => this.server.verdict(verdict, now));
    };
    this.server = new ServerTunnel(this.serverEnd, {
      sstp: sstp('certificate'),
      ppp: { ...ppp, eap: 'local', serverName: 'gateway' },
    });
    this.link.attach(this.client, this.server);
  }

  start(): void {
    this.server.accept(this.link.now);
    this.client.start(this.link.now);
  }

  /** Starts and waits until both are up. */
  bringUp(): void {
    this.start();
    this.link.drive(20_000);
    assert.deepEqual(this.states(), ['up', 'up']);
  }

  states(): [string, string] {
    return [this.client.state, this.server.state];
  }

  #transmit(from: 'C' | 'S', packet: Uint8Array): void {
    const entry = `${from} ${describePacket(packet)}`;
    this.wire.push(entry);
    if (!this.gate(entry)) return;
    const [direction, tunnel] =
      from === 'C' ? (['toServer', this.server] as const) : (['toClient', this.client] as const);
    this.link.carry(direction, now => deliver(tunnel, packet, now));
  }
}

/** One end's output, which watches that the promises of `TunnelOutput` are kept. */
class End implements ServerTunnelOutput {
  readonly #transmit: (packet: Uint8Array) => void;
  readonly #hangUp: () => void;
  verify: (credentials: Credentials) => void = () => assert.fail('a client verifies nobody');
  /** 'authenticated CORP\alice mschapv2', 'up', 'closing admin', 'close admin' and the like. */
  readonly events: string[] = [];
  network: Ipv4Parameters | undefined;
  /** Networks that pass packets now. */
  readonly families = new Set<NetworkFamily>();
  isOver = false;

  constructor(transmit: (packet: Uint8Array) => void, hangUp: () => void) {
    this.#transmit = transmit;
    this.#hangUp = hangUp;
  }

  send(packet: Uint8Array): void {
    assert.ok(!this.isOver, 'nothing is sent after the end');
    this.#transmit(packet);
  }

  authenticated(user: string, method: AuthMethod): void {
    this.#note(`authenticated ${user} ${method}`);
  }

  up(): void {
    this.#note('up');
  }

  networkUp(network: OpenNetwork): void {
    assert.ok(this.events.includes('up') && !this.families.has(network.family));
    this.families.add(network.family);
    if (network.family === 4) this.network = network.ipv4;
  }

  networkDown(family: NetworkFamily): void {
    assert.ok(!this.isOver && this.families.delete(family));
  }

  closing(reason: TunnelEndReason): void {
    this.#note(`closing ${reason}`);
  }

  close(reason: TunnelEndReason): void {
    this.#note(`close ${reason}`);
    this.isOver = true;
    this.#hangUp();
  }

  /** The HTTPS connection disconnects below the tunnel. */
  hangUp(tunnel: Tunnel): void {
    if (this.isOver) return;
    this.isOver = true;
    tunnel.disconnected();
  }

  #note(event: string): void {
    assert.ok(!this.isOver, `${event} after the end`);
    const [what] = event.split(' ');
    assert.ok(!this.events.some(earlier => earlier.split(' ')[0] === what), `a second ${event}`);
    this.events.push(event);
  }
}

/** Cuts one whole SSTP packet as the packet path would, and hands it over in a buffer that is overwritten afterwards. */
function deliver(tunnel: Tunnel, packet: Uint8Array, now: number): void {
  const buffer = packet.slice();
  if (isControl(buffer)) tunnel.receiveControl(buffer, now);
  else {
    const frame = parsePppFrame(viewOf(buffer), SSTP_HEADER_LENGTH, buffer.length);
    assert.ok(!isWireError(frame));
    tunnel.receiveFrame(frame.protocol, buffer.subarray(frame.at, frame.end), now);
  }
  buffer.fill(0xee);
}

function isControl(packet: Uint8Array): boolean {
  return ((packet[1] ?? 0) & CONTROL_BIT) !== 0;
}

const PROTOCOL_NAMES = new Map<number, string>(Object.entries(PppProtocol).map(([name, protocol]) => [protocol, name]));

/** 'CallConnectRequest', 'Lcp 1', 'Chap 3', ...: the code says which packet of the PPP protocol it is. */
function describePacket(packet: Uint8Array): string {
  if (isControl(packet)) return describeControl(packet);
  const frame = parsePppFrame(viewOf(packet), SSTP_HEADER_LENGTH, packet.length);
  assert.ok(!isWireError(frame));
  return `${PROTOCOL_NAMES.get(frame.protocol) ?? frame.protocol} ${packet[frame.at]}`;
}

/** What a gateway's AAA would say, for one user. */
function decide(credentials: Credentials, families: readonly NetworkFamily[]): Verdict {
  const hlak = credentials.user === USER ? keyOf(credentials) : undefined;
  if (hlak === undefined) return { kind: 'rejected', code: 691, message: 'no' };
  const message = credentials.kind === 'mschapv2' ? `${proofFor(credentials)} M=welcome` : 'welcome';
  return {
    kind: 'accepted',
    hlak,
    message,
    ipv4: families.includes(4) ? NETWORK : undefined,
    ...(families.includes(6) ? { ipv6: NETWORK6 } : {}),
  };
}

type MsChapV2Credentials = Extract<Credentials, { kind: 'mschapv2' }>;

/** The key that the right password gives, undefined for a wrong one. */
function keyOf(credentials: Credentials): Uint8Array | undefined {
  let isRight: boolean;
  switch (credentials.kind) {
    case 'pap':
      isRight = credentials.password === PASSWORD;
      break;
    case 'chap': {
      const secret = new TextEncoder().encode(PASSWORD);
      isRight = equal(chapMd5(credentials.id, secret, credentials.challenge), credentials.response);
      break;
    }
    case 'mschapv2':
      return matchNtResponse(NT_HASH, credentials.ntResponse, credentials) === undefined
        ? undefined
        : hlakFromMsChapV2(NT_HASH, credentials.ntResponse);
    case 'eap':
      return undefined;
  }
  return isRight ? new Uint8Array(32) : undefined;
}

function proofFor(credentials: MsChapV2Credentials): string {
  const exchange = matchNtResponse(NT_HASH, credentials.ntResponse, credentials);
  assert.ok(exchange !== undefined);
  return authenticatorResponse(NT_HASH, credentials.ntResponse, exchange);
}
