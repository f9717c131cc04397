// The configuration file: every key, its kind, its bounds and its default. Units and ranges become values here;
// what needs a second key or another file to be judged is the loader's.
import { isIP } from 'node:net';
import { z } from 'zod';
import { ACCEPTED as DECOYS, type WrittenDecoy } from './decoy.ts';
import { duration, field, integer, listenAddress, oneOf, type Refusal, refuse, text, unavailable } from './fields.ts';
import { FROM_ENVIRONMENT } from './key-log.ts';
import { networkSchema } from './network-schema.ts';
import { radiusSchema } from './radius-schema.ts';
import type { BindingHash, PppAuthMethod } from './schema.ts';

const AUTH_METHODS: readonly PppAuthMethod[] = ['pap', 'chap', 'mschapv2', 'eap'];
const HASHES: readonly BindingHash[] = ['sha256', 'sha1'];
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

const listenEntry = z.strictObject({
  address: listenAddress(),
  // YAML 1.1 tools write the word off as the value false.
  proxyProtocol: field('off, v1v2', value =>
    value === false ? 'off' : value === 'off' || value === 'v1v2' ? value : refuse(value),
  ).default('off'),
  trustedProxies: z.array(proxyNetwork()).min(1).optional(),
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
  keyLog: text(`the path of a file, or ${FROM_ENVIRONMENT}`).optional(),
});

const sstp = z.strictObject({
  negotiationTimeout: duration('1s', '10m').default(60_000),
  helloInterval: duration('1s', '1h').default(60_000),
  hashes: uniqueList(oneOf(HASHES)).default([...HASHES]),
  packetsPerRecord: oneOf(['auto', 'one', 'many']).default('auto'),
  decoy: field<WrittenDecoy>(DECOYS, value => {
    if (value === 404 || value === '404') return 404;
    if (value === 'close') return value;
    if (typeof value !== 'string' || value === '') return refuse(value);
    if (!value.includes('://')) return { directory: value };
    const url = URL.canParse(value) ? new URL(value) : undefined;
    return url?.protocol === 'https:' ? { redirect: url.href } : refuse(value);
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

const aaa = z.strictObject({
  method: oneOf(['users', 'radius']).default('users'),
  users: text('path of the users file').default('users.yaml'),
  radius: radiusSchema.optional(),
});

const session = z.strictObject({
  timeout: duration('1s', '8760h').optional(),
  idleTimeout: duration('1s', '8760h').optional(),
});

const command = field('a program, or a list of a program and its arguments', (value): readonly string[] | Refusal => {
  const words = typeof value === 'string' ? [value] : value;
  const isCommand =
    Array.isArray(words) && words.length > 0 && words.every(word => typeof word === 'string' && word !== '');
  return isCommand ? (words as string[]) : refuse(value);
});

const hooks = z.strictObject({
  up: command.optional(),
  down: command.optional(),
  timeLimit: duration('100ms', '10m').default(10_000),
  concurrency: integer(1, 1000).default(16),
});

const limits = z.strictObject({
  maxSessions: integer(1, 1_000_000).optional(),
  maxHalfOpen: integer(1, 1_000_000).default(1000),
  perAddress: z
    .strictObject({
      rate: integer(1, 1_000_000),
      burst: integer(1, 1_000_000).optional(),
      halfOpen: integer(1, 1_000_000).optional(),
    })
    .optional(),
  // A number alone is short for the section with that many sessions.
  perUser: z
    .preprocess(
      value => (typeof value === 'number' ? { sessions: value } : value),
      z.strictObject({
        sessions: integer(1, 1_000_000),
        policy: oneOf(['deny', 'replace']).default('deny'),
      }),
    )
    .optional(),
});

const admin = z.strictObject({
  listen: listenAddress().prefault('127.0.0.1:8080'),
  tokenFile: text('path of a file that holds the token').optional(),
});

const log = z.strictObject({
  level: oneOf(LEVELS).default('info'),
  format: oneOf(['json', 'journal', 'pretty']).default('json'),
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
  // Above twice the interval of the workers' signs of life. YAML 1.1 tools write the word off as the value false.
  watchdog: field('off, or a time from 3s to 10m', value => {
    if (value === 'off' || value === false) return Infinity;
    const parsed = duration('3s', '10m').safeParse(value);
    return parsed.success ? parsed.data : refuse(value);
  }).prefault('15s'),
  stateDir: text('path of a directory').default('./.sstp-gateway'),
  drainDelay: duration('0s', '10m').default(0),
  drainTimeout: duration('0s', '1h').default(10_000),
  sstp: sstp.prefault({}),
  ppp: ppp.prefault({}),
  network: networkSchema.prefault({}),
  aaa: aaa.prefault({}),
  session: session.prefault({}),
  hooks: hooks.prefault({}),
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

function proxyNetwork(): z.ZodType<string> {
  return field('an address, or a network as 10.0.0.0/8', value => {
    if (typeof value !== 'string') return refuse(value);
    const [address = '', length, ...rest] = value.split('/');
    const family = isIP(address);
    const longest = family === 6 ? 128 : 32;
    const isLength = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= longest);
    return family !== 0 && isLength && rest.length === 0 ? value : refuse(value);
  });
}
