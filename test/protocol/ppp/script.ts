// Runs one side of a link against a script, line by line:
//
//   > frame     the peer sends it                  < frame   we send it
//   + 750       so many milliseconds pass          ! event   we tell our owner
//
// Whatever an input causes must stand right behind it, complete and in order. Randomness is a counter: the first request
// for random bytes gets 01 01 01 ..., the second 02 02 02 ..., so that magic numbers and challenges can be written down.
import assert from 'node:assert/strict';
import type { Credentials, Ipv4Parameters, Ipv6Parameters, Verdict } from '../../../src/protocol/ppp/credentials.ts';
import { PppClient, type PppClientOptions } from '../../../src/protocol/ppp/ppp-client.ts';
import { PppServer, type PppServerOptions } from '../../../src/protocol/ppp/ppp-server.ts';
import { formatIpv4, parseIpv4 } from '../../../src/wire/ip.ts';
import { formatFrame, type Frame, hexText, parseFrame } from './frame-text.ts';

interface Machine {
  readonly deadline: number;
  receive(protocol: number, information: Uint8Array, now: number): void;
  handleTimeout(now: number): void;
}

abstract class Script {
  abstract readonly machine: Machine;
  now = 0;
  readonly #happened: string[] = [];

  /** Steps of the notation above. */
  run(...lines: readonly string[]): void {
    for (const line of lines) {
      const rest = line.slice(2);
      switch (line[0]) {
        case '>':
          this.#requireQuiet(line);
          this.receive(parseFrame(rest));
          break;
        case '+':
          this.#requireQuiet(line);
          this.pass(Number(rest));
          break;
        default:
          assert.equal(this.#happened.shift() ?? '(nothing)', line);
      }
    }
    this.#requireQuiet('the end of the script');
  }

  receive({ protocol, information }: Frame): void {
    this.machine.receive(protocol, information, this.now);
  }

  /** Lets time pass from timer to timer. */
  pass(milliseconds: number): void {
    const until = this.now + milliseconds;
    while (this.machine.deadline <= until) {
      this.now = Math.max(this.now, this.machine.deadline);
      this.machine.handleTimeout(this.now);
    }
    this.now = until;
  }

  /** All that happened and was not yet looked at. */
  take(): string[] {
    return this.#happened.splice(0);
  }

  protected note(entry: string): void {
    this.#happened.push(entry);
  }

  protected noteFrame(protocol: number, information: Uint8Array): void {
    this.note(`< ${formatFrame({ protocol, information })}`);
  }

  #requireQuiet(before: string): void {
    assert.deepEqual(this.take(), [], `unexpected before "${before}"`);
  }
}

export class ServerScript extends Script {
  readonly machine: PppServer;
  readonly asked: Credentials[] = [];

  constructor(options: Partial<PppServerOptions> = {}) {
    super();
    this.machine = new PppServer(
      {
        sendFrame: (protocol, information) => this.noteFrame(protocol, information),
        verify: credentials => {
          this.asked.push(credentials);
          this.note(`! verify ${credentials.kind} ${credentials.user}`);
        },
        authenticated: (user, method, hlak) =>
          this.note(`! authenticated ${user} ${method} ${hexText(hlak.subarray(0, 2))}`),
        authenticationFailed: (user, method) => this.note(`! authenticationFailed ${user} ${method}`),
        networkUp: (network, peerMru) =>
          this.note(
            `! networkUp ${network.family === 4 ? formatIpv4(network.ipv4.address) : interfaceIds(network.ipv6)} mru=${peerMru}`,
          ),
        networkDown: family => this.note(family === 4 ? '! networkDown' : '! networkDown ipv6'),
        ended: reason => this.note(`! ended ${reason}`),
      },
      {
        mru: 1400,
        auth: ['mschapv2', 'chap', 'pap'],
        eap: 'local',
        serverName: 'gw',
        lcpEcho: { intervalMs: 0, failures: 4 },
        authTimeoutMs: 60_000,
        random: countingRandom(),
        ...options,
      },
    );
  }

  up(...lines: readonly string[]): void {
    this.machine.up(this.now);
    this.run(...lines);
  }

  /** Accepts with address 10.0.0.7, gateway and DNS server 10.0.0.1, unless told otherwise. */
  verdict(verdict: Partial<Verdict>, ...lines: readonly string[]): void {
    const accepted = {
      kind: 'accepted' as const,
      hlak: new Uint8Array(32).fill(0xaa),
      message: 'welcome',
      ipv4: { address: ipv4('10.0.0.7'), gateway: ipv4('10.0.0.1'), dns: [ipv4('10.0.0.1')], nbns: [] },
    };
    const rejected = { kind: 'rejected' as const, code: 691, message: 'Authentication failed' };
    const base: Verdict = verdict.kind === 'rejected' ? rejected : accepted;
    this.machine.verdict({ ...base, ...verdict } as Verdict, this.now);
    this.run(...lines);
  }
}

export class ClientScript extends Script {
  readonly machine: PppClient;

  /** Authenticated by PAP, on which it sends `requests`. */
  static networkEntered(options: Partial<PppClientOptions>, ...requests: readonly string[]): ClientScript {
    const client = new ClientScript({ auth: ['pap'], ...options });
    client.up('< lcp confreq 1 mru=1400 magic=01010101');
    client.run(
      '> lcp confreq 1 auth=c023',
      '< lcp confack 1 auth=c023',
      '> lcp confack 1 mru=1400 magic=01010101',
      '< pap request 1 #05616c69636506736563726574',
      '> pap ack 1 #00',
      '! authenticated 0000',
      ...requests,
    );
    return client;
  }

  constructor(options: Partial<PppClientOptions> = {}) {
    super();
    this.machine = new PppClient(
      {
        sendFrame: (protocol, information) => this.noteFrame(protocol, information),
        authenticated: hlak => this.note(`! authenticated ${hexText(hlak.subarray(0, 2))}`),
        networkUp: (network, mru) =>
          this.note(
            `! networkUp ${network.family === 4 ? assigned(network.ipv4) : interfaceIds(network.ipv6)} mru=${mru}`,
          ),
        networkDown: family => this.note(family === 4 ? '! networkDown' : '! networkDown ipv6'),
        ended: reason => this.note(`! ended ${reason}`),
      },
      {
        user: 'alice',
        password: 'secret',
        mru: 1400,
        auth: ['mschapv2', 'chap', 'pap'],
        requestDns: true,
        lcpEcho: { intervalMs: 0, failures: 4 },
        authTimeoutMs: 60_000,
        random: countingRandom(),
        ...options,
      },
    );
  }

  up(...lines: readonly string[]): void {
    this.machine.up(this.now);
    this.run(...lines);
  }
}

export function ipv4(text: string): number {
  const address = parseIpv4(text);
  assert.ok(address !== undefined);
  return address;
}

function assigned({ address, gateway, dns, nbns }: Ipv4Parameters): string {
  return `${formatIpv4(address)} via ${formatIpv4(gateway)} dns=${[...dns, ...nbns].map(formatIpv4).join(',')}`;
}

/** 'ipv6 client=7 gateway=1'. */
function interfaceIds({ interfaceId, gatewayInterfaceId }: Ipv6Parameters): string {
  return `ipv6 client=${interfaceId.toString(16)} gateway=${gatewayInterfaceId.toString(16)}`;
}

function countingRandom(): (length: number) => Uint8Array {
  let calls = 0;
  return length => {
    calls += 1;
    return new Uint8Array(length).fill(calls);
  };
}
