// The configuration file: every key, its kind, its bounds and its default. Units and ranges become values here;
// what needs a second key or another file to be judged is the loader's.
import { z } from 'zod';
import { poolEntry } from './address-pool.ts';
import {
  duration,
  field,
  flag,
  integer,
  ipv4Address,
  listenAddress,
  oneOf,
  Refusal,
  refuse,
  text,
  unavailable,
} from './fields.ts';
import type { BindingHash, PppAuthMethod } from './schema.ts';

const AUTH_METHODS: readonly PppAuthMethod[] = ['pap', 'chap', 'mschapv2', 'eap'];
const HASHES: readonly BindingHash[] = ['sha256', 'sha1'];
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** RFC 1332 extension of RFC 1877: a primary and a secondary server, no third. */
const MAX_NAME_SERVERS = 2;

const listenEntry = z.strictObject({
  address: listenAddress(),
  proxyProtocol: field('off', value =>
    value === 'off' ? value : value === 'v1v2' ? new Refusal('is not available in this version') : refuse(value),
  ).default('off'),
  trustedProxies: unavailable('the PROXY protocol').optional(),
});

const tls = z.strictObject({
  certificates: z
    .array(
      z.strictObject({
        cert: text('path of a PEM file, the certificate first, then its chain'),
        key: text('path of a PEM file'),
        serverNames: z.array(serverName()).min(1).optional(),
      }),
    )
    .min(1),
  minVersion: oneOf(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
  ciphers: text('an OpenSSL cipher list').optional(),
});

const sstp = z.strictObject({
  negotiationTimeout: duration('1s', '10m').default(60_000),
  helloInterval: duration('1s', '1h').default(60_000),
  hashes: uniqueList(oneOf(HASHES)).default([...HASHES]),
  packetsPerRecord: oneOf(['auto', 'one', 'many']).default('auto'),
  decoy: field<404 | 'close'>('404, close', value => {
    if (value === 404 || value === 'close') return value;
    return typeof value === 'string'
      ? new Refusal('a redirect or a directory is not available in this version')
      : refuse(value);
  }).default(404),
});

const ppp = z.strictObject({
  // RFC 791: every host takes 576 bytes. 1500 is what the receive buffers of clients are made for.
  mtu: integer(576, 1500).default(1400),
  // A client that insists on EAP asks for it instead of MS-CHAPv2. The other way round fails: Windows with an automatic choice of
  // method takes an offer of EAP, finds no type of EAP that suits it, and does not always go back to MS-CHAPv2.
  auth: uniqueList(oneOf(AUTH_METHODS)).default(['mschapv2', 'eap']),
  lcpEcho: z
    .strictObject({
      interval: duration('1s', '1h').default(30_000),
      failures: integer(1, 100).default(4),
    })
    .prefault({}),
});

const network = z.strictObject({
  mode: oneOf(['auto', 'tun', 'echo']).default('auto'),
  // IFNAMSIZ is 16 with the final zero; room for the worker's number is kept.
  device: field('letters, digits, - and _, at most 12, starting with a letter', value =>
    typeof value === 'string' && /^[a-z][\w-]{0,11}$/i.test(value) ? value : refuse(value),
  ).default('sstp'),
  ipv4: z
    .strictObject({
      pool: z.array(poolEntry()).min(1).prefault(['10.66.0.0/16']),
      gateway: ipv4Address().optional(),
      dns: z.array(ipv4Address()).default([]).superRefine(atMostTwo),
      nbns: z.array(ipv4Address()).default([]).superRefine(atMostTwo),
    })
    .prefault({}),
  ipv6: z
    .strictObject({
      pool: field('[]', value =>
        Array.isArray(value) && value.length === 0 ? value : new Refusal('IPv6 is not available in this version'),
      ).optional(),
      prefixLength: unavailable('IPv6').optional(),
      dns: unavailable('IPv6').optional(),
    })
    .optional(),
  mssClamp: flag().default(true),
  antiSpoofing: flag().default(true),
});

const aaa = z.strictObject({
  method: field('users', value => {
    if (value === 'users') return value;
    return value === 'radius' ? new Refusal('radius is not available in this version') : refuse(value);
  }).default('users'),
  users: text('path of the users file').default('users.yaml'),
  radius: unavailable('RADIUS').optional(),
});

const limits = z.strictObject({
  maxSessions: integer(1, 1_000_000).optional(),
  maxHalfOpen: integer(1, 1_000_000).default(1000),
  perAddress: unavailable('a limit per address').optional(),
  perUser: unavailable('a limit per user (set maxSessions in the users file)').optional(),
});

const admin = z.strictObject({
  listen: listenAddress().prefault('127.0.0.1:8080'),
  tokenFile: text('path of a file that holds the token').optional(),
});

const log = z.strictObject({
  level: oneOf(LEVELS).default('info'),
  format: oneOf(['json', 'pretty']).default('json'),
});

export const fileSchema = z.strictObject({
  listen: z
    .array(listenEntry)
    .min(1)
    .prefault([{ address: '0.0.0.0:443' }]),
  tls,
  workers: field('auto, or a whole number from 1 to 256', (value): 'auto' | number | Refusal => {
    const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 256;
    return value === 'auto' || isCount ? value : refuse(value);
  }).default('auto'),
  stateDir: text('path of a directory').default('./.sstp-gateway'),
  drainTimeout: duration('0s', '1h').default(10_000),
  sstp: sstp.prefault({}),
  ppp: ppp.prefault({}),
  network: network.prefault({}),
  aaa: aaa.prefault({}),
  limits: limits.prefault({}),
  admin: admin.prefault({}),
  cluster: unavailable('a cluster').optional(),
  log: log.prefault({}),
});

export type FileConfig = z.output<typeof fileSchema>;

function serverName(): z.ZodType<string> {
  return field('a DNS name as vpn.example.org or *.example.org', value => {
    if (typeof value !== 'string') return refuse(value);
    const name = value.toLowerCase().replace(/\.$/, '');
    return /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(name)
      ? name
      : refuse(value);
  });
}

function uniqueList<T>(element: z.ZodType<T>) {
  return z
    .array(element)
    .min(1)
    .superRefine((list, context) => {
      list.forEach((item, index) => {
        if (list.indexOf(item) === index) return;
        context.addIssue({ code: 'custom', path: [index], message: `${String(item)} is in the list twice` });
      });
    });
}

function atMostTwo(list: readonly number[], context: z.RefinementCtx): void {
  if (list.length <= MAX_NAME_SERVERS) return;
  context.addIssue({
    code: 'custom',
    path: [MAX_NAME_SERVERS],
    message: 'clients take no third address',
    params: { accepted: `at most ${MAX_NAME_SERVERS} addresses` },
  });
}
