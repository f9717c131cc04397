// The `aaa.radius` section of the configuration file.
import { isIP } from 'node:net';
import { z } from 'zod';
import {
  duration,
  field,
  flag,
  integer,
  ipv4Address,
  listenAddress,
  oneOf,
  quotedText,
  Refusal,
  refuse,
  text,
} from './fields.ts';
import { ipv6Address } from './network-fields.ts';

/** RFC 2865 3 asks for a secret that is not trivial; one of fewer characters is guessed in an afternoon. */
export const SHORT_SECRET = 16;

const secret = {
  secret: quotedText('the shared secret').optional(),
  secretFile: text('path of a file that holds the secret').optional(),
};

const server = z.strictObject({
  address: hostName(),
  ...secret,
  authPort: integer(1, 65_535).default(1812),
  acctPort: integer(1, 65_535).default(1813),
  priority: integer(0, 1000).default(0),
  requestLimit: integer(1, 10_000).default(256),
  deadTime: duration('0s', '1h').default(30_000),
  requireMessageAuthenticator: flag().default(true),
});

const dynamicAuthorization = z.strictObject({
  listen: listenAddress().prefault('0.0.0.0:3799'),
  clients: z.array(z.strictObject({ address: literalAddress(), ...secret })).min(1),
  requireMessageAuthenticator: flag().default(true),
});

export const radiusSchema = z.strictObject({
  servers: z.array(server).min(1),
  nasIdentifier: text('a name of this gateway').optional(),
  nasIpAddress: ipv4Address().optional(),
  nasIpv6Address: ipv6Address().optional(),
  timeout: duration('100ms', '1m').default(2000),
  // With the timeout of two seconds a silent server takes 14 s: two of them fit into authTimeout.
  retries: integer(0, 20).default(2),
  authTimeout: duration('1s', '10m').default(30_000),
  accounting: flag().default(true),
  // RFC 2869 5.16: not under a minute.
  interim: field('0, or a time from 60s to 24h', value => {
    if (value === 0 || value === '0' || value === '0s') return undefined;
    const parsed = duration('60s', '24h').safeParse(value);
    return parsed.success ? parsed.data : refuse(value);
  }).prefault('10m'),
  interimJitter: field('a part of the interval from 0 to 0.5', value =>
    typeof value === 'number' && value >= 0 && value <= 0.5 ? value : refuse(value),
  ).default(0.1),
  defaultRealm: text('a realm as example.org').optional(),
  stripRealm: flag().default(false),
  filterIdRateMultiplier: field('a number above 0', value =>
    typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : refuse(value),
  ).default(1),
  calledStationId: oneOf(['server-name', 'address']).default('server-name'),
  dynamicAuthorization: dynamicAuthorization.optional(),
});

export type RadiusSection = z.output<typeof radiusSchema>;

function hostName(): z.ZodType<string> {
  return field('an address or a DNS name, without port', value => {
    if (typeof value !== 'string') return refuse(value);
    const host = value.replace(/^\[(.+)\]$/, '$1');
    if (isIP(host) !== 0) return host;
    if (/:\d+$/.test(host)) return new Refusal(`${value} has a port: ports are authPort and acctPort`);
    return /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(host)
      ? host
      : refuse(value);
  });
}

function literalAddress(): z.ZodType<string> {
  return field('an IPv4 or IPv6 address', value =>
    typeof value === 'string' && isIP(value) !== 0 ? value : refuse(value),
  );
}
