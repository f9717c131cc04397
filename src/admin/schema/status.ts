import { z } from 'zod';
import { count, countBy, SCHEMAS, seconds, time, type View } from './fields.ts';

export const readiness = z
  .strictObject({ ready: z.boolean(), reasons: z.array(z.string()).describe('Why not; empty when ready') })
  .register(SCHEMAS, { id: 'Readiness' });

const worker = z
  .strictObject({
    index: count,
    state: z.enum(['starting', 'ready', 'restarting', 'draining', 'stopped']),
    sessions: count,
    restarts: count,
    eventLoopLagP99: seconds.nullable().describe('Over the last second; null until it was measured'),
    cpu: z.number().nonnegative().nullable().describe('Share of a core over the last second'),
  })
  .register(SCHEMAS, { id: 'Worker' });

const pool = z
  .strictObject({
    name: z.string(),
    family: z.enum(['ipv4', 'ipv6', 'ipv6-delegated']),
    size: count.describe('Addresses or prefixes'),
    leased: count,
  })
  .register(SCHEMAS, { id: 'Pool' });

const certificate = z
  .strictObject({
    serverNames: z.array(z.string()),
    subject: z.string(),
    issuer: z.string(),
    notBefore: time,
    notAfter: time,
    sha256: z.string().describe('Fingerprint: `AA:BB:…`'),
    keyType: z.string().describe('`rsa-2048`, `ec-prime256v1`, …'),
  })
  .register(SCHEMAS, { id: 'Certificate' });

export const status = z
  .strictObject({
    version: z.string(),
    node: z.string().describe('Name of this machine'),
    startedAt: time,
    uptime: seconds,
    ready: readiness,
    draining: z.boolean(),
    workers: z.array(worker),
    sessions: z.strictObject({ negotiating: count, authenticating: count, up: count, closing: count }),
    pool: z.strictObject({ size: count, leased: count }).describe('All IPv4 pools together'),
    pools: z.array(pool),
    network: z.strictObject({ mode: z.enum(['tun', 'echo']).describe('What `mode: auto` came to') }),
    listen: z.array(z.string()),
    certificates: z.array(certificate).describe('In force for new connections; the first one is the default'),
    process: z.strictObject({ cpuSeconds: seconds, rssBytes: count, startedAt: time }),
    traffic: z
      .strictObject({ rxBytes: count, txBytes: count, rxPackets: count, txPackets: count, drops: count })
      .describe('Of all sessions since the start; rx is from the clients'),
    cleanup: z
      .strictObject({ count, p50: seconds.nullable(), p99: seconds.nullable() })
      .describe('Socket event to freed table row; null while nothing has ended'),
    counters: z
      .strictObject({
        starts: count,
        ends: countBy.describe('By cause'),
        aborts: countBy.describe('By reason'),
        refusals: countBy.describe('Connections that never became a call, by reason'),
        auth: z.record(z.string(), countBy).describe('By method, then by result'),
        drops: countBy.describe('Packets, by reason'),
      })
      .describe('Since the start'),
  })
  .register(SCHEMAS, { id: 'Status' });

export type Readiness = View<typeof readiness>;
export type WorkerView = View<typeof worker>;
export type PoolView = View<typeof pool>;
export type CertificateView = View<typeof certificate>;
export type StatusView = View<typeof status>;
