// A PppServer and a PppClient with a network between them that loses, repeats and delays frames, in virtual time.
import { ntPasswordHash, matchNtResponse, authenticatorResponse } from '../../../src/crypto/ms-chap-v2.ts';
import { hlakFromMsChapV2 } from '../../../src/crypto/crypto-binding.ts';
import { chapMd5 } from '../../../src/crypto/chap-md5.ts';
import type {
  AuthMethod,
  Credentials,
  EapMode,
  Ipv6Parameters,
  NetworkFamily,
  Verdict,
} from '../../../src/protocol/ppp/credentials.ts';
import { PppClient } from '../../../src/protocol/ppp/ppp-client.ts';
import { EapType } from '../../../src/wire/eap.ts';
import { PppServer } from '../../../src/protocol/ppp/ppp-server.ts';

export interface Weather {
  readonly seed: number;
  /** Of 1. */
  readonly loss: number;
  /** Of 1. */
  readonly duplication: number;
  /** Milliseconds, evenly distributed; frames overtake each other. */
  readonly delay: readonly [number, number];
  readonly auth: readonly AuthMethod[];
  readonly clientAuth: readonly AuthMethod[];
  /** A relayed EAP has a leader that knows PEAP and nothing else. */
  readonly eap?: EapMode;
  readonly password?: string;
  /** Both ends want IPv6 beside IPv4. */
  readonly ipv6?: boolean;
  /** How long the verdict takes. */
  readonly verdictMs?: number;
}

interface Arrival {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export const ADDRESS = 0x0a000007;
const GATEWAY = 0x0a000001;
const IPV6: Ipv6Parameters = {
  interfaceId: 7n,
  gatewayInterfaceId: 1n,
  prefix: undefined,
  delegated: undefined,
  dns: [],
};
const PASSWORD = 'secret';
const EAP_TYPE_AT = 4;
const MAX_STEPS = 20_000;

export class LossyPair {
  readonly server: PppServer;
  readonly client: PppClient;
  now = 0;
  /** Frames that were sent, lost or not. */
  frames = 0;
  serverEnded: string[] = [];
  clientEnded: string[] = [];
  readonly serverNetworks = new Set<NetworkFamily>();
  readonly clientNetworks = new Set<NetworkFamily>();
  clientAddress = 0;
  serverHlak: Uint8Array | undefined;
  clientHlak: Uint8Array | undefined;
  #weather: Weather;
  #arrivals: Arrival[] = [];
  #sent = 0;
  readonly #chance: () => number;

  constructor(weather: Weather) {
    this.#weather = weather;
    this.#chance = seededChance(weather.seed);
    const random = (length: number) => Uint8Array.from({ length }, () => Math.floor(this.#chance() * 256));
    const common = { mru: 1400, lcpEcho: { intervalMs: 10_000, failures: 3 }, authTimeoutMs: 30_000, random };
    this.server = new PppServer(
      {
        sendFrame: (protocol, information) => this.#send(() => this.client.receive(protocol, information, this.now)),
        verify: credentials =>
          this.#later(weather.verdictMs ?? 0, () =>
            this.server.verdict(judge(credentials, weather.ipv6 === true ? IPV6 : undefined), this.now),
          ),
        authenticated: (_user, _method, hlak) => {
          this.serverHlak = hlak;
        },
        authenticationFailed: () => {},
        networkUp: ({ family }) => this.serverNetworks.add(family),
        networkDown: family => this.serverNetworks.delete(family),
        ended: reason => this.serverEnded.push(reason),
      },
      { ...common, auth: weather.auth, eap: weather.eap ?? 'local', serverName: 'gw' },
    );
    this.client = new PppClient(
      {
        sendFrame: (protocol, information) => this.#send(() => this.server.receive(protocol, information, this.now)),
        authenticated: hlak => {
          this.clientHlak = hlak;
        },
        networkUp: network => {
          this.clientNetworks.add(network.family);
          if (network.family === 4) this.clientAddress = network.ipv4.address;
        },
        networkDown: family => this.clientNetworks.delete(family),
        ended: reason => this.clientEnded.push(reason),
      },
      {
        ...common,
        auth: weather.clientAuth,
        user: 'alice',
        password: weather.password ?? PASSWORD,
        requestDns: true,
        ipv6: weather.ipv6 === true,
      },
    );
    this.server.up(0);
    this.client.up(0);
  }

  get bothUp(): boolean {
    const families: readonly NetworkFamily[] = this.#weather.ipv6 === true ? [4, 6] : [4];
    return families.every(family => this.serverNetworks.has(family) && this.clientNetworks.has(family));
  }

  get bothEnded(): boolean {
    return this.serverEnded.length > 0 && this.clientEnded.length > 0;
  }

  /** From now on everything arrives, at once and in order. */
  clearUp(): void {
    this.#weather = { ...this.#weather, loss: 0, duplication: 0, delay: [1, 1] };
  }

  /** From now on nothing arrives. */
  breakDown(): void {
    this.#weather = { ...this.#weather, loss: 1, duplication: 0 };
  }

  /** Goes from event to event until the condition holds. False when time or patience is over first. */
  runUntil(condition: () => boolean, latest: number): boolean {
    for (let step = 0; step < MAX_STEPS; step++) {
      if (condition()) return true;
      const timer = Math.min(this.server.deadline, this.client.deadline);
      const [arrival] = this.#arrivals;
      const next = Math.min(timer, arrival?.at ?? Number.POSITIVE_INFINITY);
      if (next > latest) return false;
      this.now = Math.max(this.now, next);
      if (arrival !== undefined && arrival.at <= timer) {
        this.#arrivals.shift();
        arrival.run();
      } else {
        this.server.handleTimeout(this.now);
        this.client.handleTimeout(this.now);
      }
    }
    return false;
  }

  #send(run: () => void): void {
    this.frames += 1;
    const { loss, duplication, delay } = this.#weather;
    const copies = (this.#chance() < loss ? 0 : 1) + (this.#chance() < duplication ? 1 : 0);
    for (let copy = 0; copy < copies; copy++) this.#later(delay[0] + this.#chance() * (delay[1] - delay[0]), run);
  }

  #later(milliseconds: number, run: () => void): void {
    this.#sent += 1;
    this.#arrivals.push({ at: this.now + milliseconds, order: this.#sent, run });
    this.#arrivals.sort((a, b) => a.at - b.at || a.order - b.order);
  }
}

function judge(credentials: Credentials, ipv6: Ipv6Parameters | undefined): Verdict {
  if (credentials.kind === 'eap' && credentials.packet[EAP_TYPE_AT] === EapType.Identity) {
    return { kind: 'challenge', packet: Uint8Array.of(1, ((credentials.packet[1] ?? 0) + 1) & 0xff, 0, 6, 25, 0x20) };
  }
  const message = acceptance(credentials);
  if (message === undefined) return { kind: 'rejected', code: 691, message: 'no' };
  const hash = ntPasswordHash(PASSWORD);
  const hlak = credentials.kind === 'mschapv2' ? hlakFromMsChapV2(hash, credentials.ntResponse) : new Uint8Array(32);
  const ipv4 = { address: ADDRESS, gateway: GATEWAY, dns: [GATEWAY], nbns: [] };
  return { kind: 'accepted', hlak, message, ipv4, ipv6 };
}

/** The text for the peer, or undefined when the password is wrong. */
function acceptance(credentials: Credentials): string | undefined {
  switch (credentials.kind) {
    case 'pap':
      return credentials.password === PASSWORD ? 'welcome' : undefined;
    case 'chap': {
      const expected = chapMd5(credentials.id, new TextEncoder().encode(PASSWORD), credentials.challenge);
      return Buffer.from(expected).equals(credentials.response) ? 'welcome' : undefined;
    }
    case 'mschapv2': {
      const hash = ntPasswordHash(PASSWORD);
      const exchange = matchNtResponse(hash, credentials.ntResponse, credentials);
      return exchange && `${authenticatorResponse(hash, credentials.ntResponse, exchange)} M=welcome`;
    }
    case 'eap':
      return undefined;
    default:
      return credentials satisfies never;
  }
}

/** A small generator (mulberry32), so that a failing seed fails again. */
function seededChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
