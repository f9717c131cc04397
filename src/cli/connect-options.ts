// What the command line of `connect` comes to. Everything that is wrong with it is found here, before anything is opened.
import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import type { SstpClientOptions } from '../client/sstp-client-options.ts';
import type { HttpProxy } from '../https/proxy-tunnel.ts';
import type { AuthMethod } from '../protocol/ppp/credentials.ts';
import { isInterfaceName } from '../tun/interface-name.ts';
import { parseIpv4 } from '../wire/ip.ts';
import { type Ipv6Prefix, parseIpv6Prefix } from '../wire/ipv6.ts';
import { CommandError, ExitCode } from './command-error.ts';
import { promptPassword } from './password.ts';
import type { ConnectFlags } from './connect.ts';

const AUTH_METHODS: readonly AuthMethod[] = ['pap', 'chap', 'mschapv2', 'eap'];
const HTTPS_PORT = 443;
const HTTP_PORT = 80;
/** RFC 791: every host takes datagrams of this size; above is what one SSTP packet holds. */
const MTU_RANGE = { min: 576, max: 4087 } as const;
/** RFC 8200 5: with less, the kernel takes IPv6 off the device. */
const MTU6_RANGE = { min: 1280, max: 4087 } as const;
const PING_RANGE = { min: 0, max: 10_000 } as const;
/** Of user name and of password, in UTF-8: PAP has one byte for the length. */
const MAX_CREDENTIAL_BYTES = 255;

/** A network as `ip route` takes it. */
export type Route =
  | { readonly family: 4; readonly text: string; readonly address: number; readonly prefixLength: number }
  | { readonly family: 6; readonly text: string; readonly prefix: Ipv6Prefix };

export interface ConnectPlan {
  /** The user's Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly client: SstpClientOptions;
  readonly device: string;
  readonly routes: readonly Route[];
  readonly pings: number;
  /** What to ping in place of the server's address in the tunnel. */
  readonly pingTarget: number | undefined;
}

/** @throws CommandError with exit code 2 */
export async function connectPlan(url: string, flags: ConnectFlags, signal: AbortSignal): Promise<ConnectPlan> {
  if (!isInterfaceName(flags.device)) throw usage(`--device ${flags.device}: no name for a network interface`);
  return {
    interrupted: signal,
    client: await clientOptions(url, flags, signal),
    device: flags.device,
    routes: flags.route.map(text => parseRoute(text, flags.ipv6 === true)),
    pings: integer('--count', flags.count, PING_RANGE),
    pingTarget: flags.ping === undefined ? undefined : parsePingTarget(flags.ping),
  };
}

async function clientOptions(url: string, flags: ConnectFlags, signal: AbortSignal): Promise<SstpClientOptions> {
  const target = parseUrl('the server', url, 'https:');
  if (target.username !== '' || target.password !== '') {
    throw usage('the server: user and password have options of their own, --user and --password-file');
  }
  return {
    https: {
      host: hostOf(target),
      port: portOf(target, HTTPS_PORT),
      serverName: flags.serverName,
      ca: flags.ca === undefined ? undefined : readCertificates(flags.ca),
      certificateSha256: flags.certificateSha256 === undefined ? undefined : parsePin(flags.certificateSha256),
      insecure: flags.insecure,
      proxy: flags.proxy === undefined ? undefined : parseProxy(flags.proxy),
      signal,
    },
    user: credential('--user', flags.user),
    password: credential('the password', await readPassword(flags)),
    auth: parseMethods(flags.auth),
    mtu: integer('--mtu', flags.mtu, flags.ipv6 === true ? MTU6_RANGE : MTU_RANGE),
    ipv6: flags.ipv6 ?? false,
  };
}

function parseMethods(text: string): AuthMethod[] {
  return text.split(',').map(word => {
    const method = AUTH_METHODS.find(known => known === word.trim());
    if (method === undefined) throw usage(`--auth ${text}: accepted are ${AUTH_METHODS.join(', ')}`);
    return method;
  });
}

function parseProxy(text: string): HttpProxy {
  const url = parseUrl('--proxy', text, 'http:');
  if (url.username === '') return { host: hostOf(url), port: portOf(url, HTTP_PORT) };
  try {
    const credentials = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
    return { host: hostOf(url), port: portOf(url, HTTP_PORT), credentials };
  } catch {
    throw usage('--proxy: a % in user or password is written %25');
  }
}

function parseUrl(what: string, text: string, protocol: 'http:' | 'https:'): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare = url !== undefined && ['', '/'].includes(url.pathname) && url.search === '' && url.hash === '';
  if (!isBare || url.protocol !== protocol || url.hostname === '') {
    // The text may hold a password: it is not repeated.
    throw usage(`${what}: expected ${protocol}//host[:port]`);
  }
  return url;
}

/** IPv6 addresses without their brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function portOf(url: URL, standard: number): number {
  return url.port === '' ? standard : Number(url.port);
}

function parsePin(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text.replaceAll(':', ''))) {
    throw usage('--certificate-sha256: expected 64 hexadecimal digits, with or without colons');
  }
  return text;
}

function parseRoute(text: string, hasIpv6: boolean): Route {
  if (text === 'default') return { family: 4, text, address: 0, prefixLength: 0 };
  const prefix = parseIpv6Prefix(text);
  if (prefix !== undefined && !hasIpv6) throw usage(`--route ${text}: an IPv6 network needs --ipv6`);
  if (prefix !== undefined) return { family: 6, text, prefix };
  const [, dotted = '', length = '32'] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  const address = parseIpv4(dotted);
  if (address === undefined || Number(length) > 32) {
    throw usage(`--route ${text}: accepted is a network such as 10.0.0.0/8 or 2001:db8::/32, or default`);
  }
  return { family: 4, text, address, prefixLength: Number(length) };
}

function parsePingTarget(text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw usage(`--ping ${text}: accepted is an IPv4 address`);
  return address;
}

async function readPassword(flags: ConnectFlags): Promise<string> {
  if (flags.password !== undefined && flags.passwordFile !== undefined) {
    throw usage('give --password or --password-file, not both');
  }
  if (flags.password !== undefined) return flags.password;
  const { passwordFile } = flags;
  if (passwordFile === undefined) return typedPassword();
  const text = passwordFile === '-' ? await readAll(process.stdin) : readText('--password-file', passwordFile);
  return text.split(/\r?\n/, 1)[0]!;
}

function typedPassword(): Promise<string> {
  if (process.stdin.isTTY) return promptPassword('Password: ');
  throw usage('a password is needed: --password-file FILE, or --password; there is no terminal to ask on');
}

function credential(option: string, text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0) throw usage(`${option}: must not be empty`);
  if (bytes > MAX_CREDENTIAL_BYTES)
    throw usage(`${option}: has ${bytes} bytes, at most ${MAX_CREDENTIAL_BYTES} can be sent`);
  return text;
}

/** OpenSSL passes over what is no PEM, and would then trust nobody without saying why. */
function readCertificates(file: string): string {
  const text = readText('--ca', file);
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw usage(`--ca ${file}: holds no certificate in PEM form`);
  return text;
}

function readText(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : (code ?? 'unknown error');
    throw usage(`${option} ${file}: cannot be read: ${why}`);
  }
}

function integer(option: string, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw usage(`${option} ${text}: accepted is a number from ${min} to ${max}`);
  return value;
}

function usage(message: string): CommandError {
  return new CommandError(message, ExitCode.Usage);
}
