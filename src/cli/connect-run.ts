/** The `connect` command: one tunnel of the client library, on a TUN device or only to be checked. */
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createClientRuntime } from '../client/client-runtime.ts';
import type { ClientRuntime } from '../client/client-runtime.ts';
import { echoRequestLength, emitEchoRequest, parseEchoReply } from '../client/ping.ts';
import { SstpClient, TunnelRefusedError } from '../client/sstp-client.ts';
import type { SstpClientOptions } from '../client/sstp-client.ts';
import { HttpsOpenError } from '../https/open-error.ts';
import type { HttpProxy } from '../https/proxy-tunnel.ts';
import type { AuthMethod } from '../protocol/ppp/credentials.ts';
import { IpCommandError, runIp } from '../tun/ip-command.ts';
import { configureInterface } from '../tun/interface.ts';
import { TunDevice, TunError, closeTun, openTun } from '../tun/tun-device.ts';
import { formatIpv4 } from '../wire/ip.ts';
import type { ConnectFlags } from './connect.ts';
import { CommandError, ExitCode } from './command-error.ts';

const AUTH_METHODS: readonly AuthMethod[] = ['pap', 'chap', 'mschapv2'];
const HTTPS_PORT = 443;
/** How long a ping may take before it counts as lost. */
const PING_TIMEOUT_MS = 2_000;
const PING_PAYLOAD = 56;
const PING_IDENTIFIER = 0x5353;
/** RFC 791: every host takes datagrams of this size; above is what one SSTP packet holds. */
const MTU_RANGE = { min: 576, max: 4087 } as const;

/** @throws CommandError when the tunnel does not come up, or is lost */
export async function connect(url: string, flags: ConnectFlags): Promise<void> {
  const options = clientOptions(url, flags);
  const badRoute = flags.route.find(route => !/^(default|[\d.]+(\/\d+)?)$/.test(route));
  if (badRoute !== undefined) {
    throw new CommandError(
      `--route ${badRoute}: accepted is an IPv4 network such as 10.0.0.0/8, or default`,
      ExitCode.Usage,
    );
  }
  const count = integer('--count', flags.count, 1, 10_000);
  try {
    const runtime = await createClientRuntime();
    if (flags.check === true) await check(runtime, options, count, flags.json === true);
    else await bringUp(runtime, options, flags.device, flags.route);
  } catch (error) {
    if (!isExpected(error)) throw error;
    if (flags.json === true) console.log(JSON.stringify({ ok: false, error: error.message }));
    throw new CommandError(error.message);
  }
}

async function check(runtime: ClientRuntime, options: SstpClientOptions, count: number, json: boolean): Promise<void> {
  const started = performance.now();
  const pings = new Pings(runtime);
  const client = await SstpClient.connect(runtime, options, {
    receivePacket: (at, length) => pings.receive(at, length),
    ended: () => {},
  });
  const upMs = performance.now() - started;
  const roundTrips: number[] = [];
  for (let sequence = 1; sequence <= count; sequence++) {
    const ms = await pings.send(client, sequence);
    if (ms !== undefined) roundTrips.push(ms);
  }
  const { address, gateway, dns } = client.network;
  const { tls } = client.connection;
  await client.end();
  const ok = roundTrips.length > 0;
  if (json) {
    console.log(
      JSON.stringify({
        ok,
        address: formatIpv4(address),
        gateway: formatIpv4(gateway),
        dns: dns.map(formatIpv4),
        mtu: client.mtu,
        tls: { version: tls.version, cipher: tls.cipher },
        upMs,
        pings: { sent: count, received: roundTrips.length, roundTripMs: roundTrips },
      }),
    );
  } else {
    console.log(`tunnel up in ${upMs.toFixed(0)} ms: ${tls.version}, ${tls.cipher}`);
    console.log(`address ${formatIpv4(address)}, gateway ${formatIpv4(gateway)}, MTU ${client.mtu}`);
    if (dns.length > 0) console.log(`DNS ${dns.map(formatIpv4).join(', ')}`);
    const average = roundTrips.reduce((sum, ms) => sum + ms, 0) / roundTrips.length;
    console.log(
      `ping ${formatIpv4(gateway)}: ${roundTrips.length} of ${count} answered${ok ? `, ${average.toFixed(2)} ms on average` : ''}`,
    );
    console.log('disconnected');
  }
  if (!ok) throw new CommandError('the tunnel came up, but the gateway did not answer a ping');
}

async function bringUp(
  runtime: ClientRuntime,
  options: SstpClientOptions,
  deviceName: string,
  routes: readonly string[],
): Promise<void> {
  const { path } = runtime;
  const handle = openTun(deviceName);
  const device = new TunDevice(handle, {
    memory: path.memory,
    at: path.tunAt,
    slots: path.tunSlots,
    stride: path.tunStride,
    headroom: path.headroom,
  });
  try {
    const lost = new EventEmitter<{ lost: [reason: string] }>();
    const whenLost = once(lost, 'lost');
    const client = await SstpClient.connect(runtime, options, {
      receivePacket: (at, length) => device.write(at, length),
      ended: reason => lost.emit('lost', reason),
    });
    const { address, gateway, dns } = client.network;
    device.start({
      receive: (at, length) => client.queuePacket(at, length),
      drained: () => client.flush(),
      onError: error => lost.emit('lost', error.message),
    });
    await configureInterface({
      name: deviceName,
      address: formatIpv4(address),
      peer: formatIpv4(gateway),
      mtu: Math.min(client.mtu, options.mtu),
    });
    for (const route of routes) await runIp('route', 'replace', route, 'dev', deviceName);
    console.log(
      `${deviceName} is up: address ${formatIpv4(address)}, gateway ${formatIpv4(gateway)}, MTU ${client.mtu}`,
    );
    if (dns.length > 0) console.log(`DNS ${dns.map(formatIpv4).join(', ')}`);
    const interrupted = new Promise<undefined>(resolve => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined));
    });
    const reason = await Promise.race([interrupted, whenLost]);
    if (reason === undefined) {
      await client.end();
      console.log('disconnected');
    } else {
      throw new CommandError(`the tunnel is gone: ${String(reason[0])}`);
    }
  } finally {
    device.close();
    closeTun(handle);
  }
}

/** Failures that are somebody else's and explain themselves. */
function isExpected(error: unknown): error is Error {
  return [HttpsOpenError, TunnelRefusedError, TunError, IpCommandError].some(kind => error instanceof kind);
}

/** Pings one at a time. */
class Pings {
  readonly #runtime: ClientRuntime;
  #gateway = 0;
  #sequence = 0;
  #answered: (() => void) | undefined;

  constructor(runtime: ClientRuntime) {
    this.#runtime = runtime;
  }

  /** @returns the round trip in milliseconds, or undefined when no answer came in time */
  async send(client: SstpClient, sequence: number): Promise<number | undefined> {
    const { path } = this.#runtime;
    const { address, gateway } = client.network;
    this.#gateway = gateway;
    this.#sequence = sequence;
    const request = {
      source: address,
      destination: gateway,
      identifier: PING_IDENTIFIER,
      sequence,
      payloadLength: PING_PAYLOAD,
    };
    emitEchoRequest(path.view, path.scratchAt, request);
    const sent = performance.now();
    const answer = new Promise<number>(resolve => {
      this.#answered = () => resolve(performance.now() - sent);
    });
    client.queuePacket(path.scratchAt, echoRequestLength(request));
    client.flush();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>(resolve => {
      timer = setTimeout(() => resolve(undefined), PING_TIMEOUT_MS);
    });
    const result = await Promise.race([answer, timeout]);
    clearTimeout(timer);
    return result;
  }

  receive(at: number, length: number): void {
    const sequence = parseEchoReply(this.#runtime.path.view, at, at + length, this.#gateway, PING_IDENTIFIER);
    if (sequence === this.#sequence) this.#answered?.();
  }
}

// --- from the command line

function clientOptions(url: string, flags: ConnectFlags): SstpClientOptions {
  const target = parseUrl('the address', url, 'https:');
  const auth = flags.auth.split(',').map(word => {
    const method = AUTH_METHODS.find(known => known === word.trim());
    if (method === undefined)
      throw new CommandError(`--auth ${flags.auth}: accepted are ${AUTH_METHODS.join(', ')}`, ExitCode.Usage);
    return method;
  });
  return {
    https: {
      host: target.hostname.replace(/^\[|\]$/g, ''),
      port: target.port === '' ? HTTPS_PORT : Number(target.port),
      serverName: flags.serverName,
      ca: flags.ca === undefined ? undefined : readText('--ca', flags.ca),
      certificateSha256: flags.certificateSha256,
      insecure: flags.insecure,
      proxy: flags.proxy === undefined ? undefined : parseProxy(flags.proxy),
    },
    user: flags.user,
    password: readPassword(flags),
    auth,
    mtu: integer('--mtu', flags.mtu, MTU_RANGE.min, MTU_RANGE.max),
  };
}

function parseProxy(text: string): HttpProxy {
  const url = parseUrl('--proxy', text, 'http:');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 80 : Number(url.port),
    credentials:
      url.username === ''
        ? undefined
        : { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
  };
}

function parseUrl(what: string, text: string, protocol: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== protocol || url.hostname === '') {
    // The text may hold a password: it is not repeated.
    throw new CommandError(`${what}: expected ${protocol}//host[:port]`, ExitCode.Usage);
  }
  return url;
}

function readPassword(flags: ConnectFlags): string {
  if (flags.password !== undefined) return flags.password;
  if (flags.passwordFile === undefined) throw new CommandError('give --password or --password-file', ExitCode.Usage);
  const text = readText('--password-file', flags.passwordFile === '-' ? '/dev/stdin' : flags.passwordFile);
  return text.split(/\r?\n/, 1)[0]!;
}

function readText(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(
      `${option} ${file}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`,
      ExitCode.Usage,
    );
  }
}

function integer(option: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new CommandError(`${option} ${text}: accepted is a number from ${min} to ${max}`, ExitCode.Usage);
  return value;
}
