import { z } from 'zod';
import { SESSION_STATES } from '../session-keys.ts';
import { count, rate, SCHEMAS, seconds, time, type View } from './fields.ts';

export const sessionState = z.enum(SESSION_STATES);

export const session = z
  .strictObject({
    id: z.string(),
    user: z.string().describe('Empty until the client has named itself'),
    remoteAddress: z.string().describe('`address:port`, IPv6 in brackets'),
    worker: count,
    node: z.string(),
    state: sessionState,
    auth: z.string().nullable().describe('Method of authentication, once that has succeeded'),
    tls: z.strictObject({ version: z.string(), cipher: z.string() }),
    ipv4: z.string().nullable(),
    ipv6: z.string().nullable().describe('Prefix of the link'),
    mtu: count.nullable(),
    connectedAt: time,
    upAt: time.nullable(),
    rxBytes: count.describe('Of IP packets that the gateway received from the client'),
    txBytes: count.describe('Of IP packets that it sent to the client'),
    rxPackets: count,
    txPackets: count,
    drops: count,
    rxRate: rate
      .nullable()
      .describe('Bits per second, over the last interval of sampling; null before the second sample'),
    txRate: rate.nullable(),
  })
  .register(SCHEMAS, { id: 'Session' });

export const sessionList = z
  .strictObject({
    matched: count.describe('All sessions that the filters let through, whatever part of them is listed'),
    sessions: z.array(session),
  })
  .register(SCHEMAS, { id: 'SessionList' });

const lcp = z.strictObject({
  state: z.string().describe('Of the automaton of RFC 1661'),
  mru: count.describe('Bytes of the longest frame that the gateway asked for'),
  peerMru: count.describe('Bytes of the longest frame that the client takes'),
  authProtocol: z.string().nullable(),
  magic: z.string().nullable().describe('Of the gateway, in hexadecimal'),
  pfc: z.boolean().describe('Protocol-Field-Compression'),
  acfc: z.boolean().describe('Address-and-Control-Field-Compression'),
  identification: z.array(z.string()).describe('What the client says of itself'),
});

const ipcp = z.strictObject({
  state: z.string(),
  peer: z.string().describe("The client's address"),
  dns: z.array(z.string()),
  nbns: z.array(z.string()),
});

const ipv6cp = z.strictObject({
  state: z.string(),
  interfaceId: z.string().describe("What the client's link-local address ends with: `0:0:0:1`"),
});

const bitsPerSecond = rate.nullable().describe('Bits per second; null is unlimited');
const burst = count.nullable().describe('Bytes; null is the default');

export const sessionDetail = z
  .strictObject({
    ...session.shape,
    correlationId: z.string().nullable().describe('SSTPCORRELATIONID of the request'),
    serverName: z.string().nullable().describe('What the client called the gateway'),
    localAddress: z.string(),
    negotiated: z
      .strictObject({
        hash: z.enum(['sha256', 'sha1']).nullable().describe('Of the crypto binding, once that stands'),
        lcp: lcp.nullable(),
        ipcp: ipcp.nullable(),
        ipv6cp: ipv6cp.nullable(),
        delegatedPrefix: z.string().nullable(),
      })
      .describe('Null is what is not negotiated, or what the worker did not say in time'),
    timers: z.strictObject({
      helloInterval: seconds.nullable(),
      sessionTimeout: seconds.nullable(),
      sessionEndsAt: time.nullable(),
      idleTimeout: seconds.nullable(),
      idleEndsAt: time.nullable().describe('Unless there is traffic before'),
      negotiationEndsAt: time.nullable(),
    }),
    rate: z
      .strictObject({ up: bitsPerSecond, down: bitsPerSecond, upBurst: burst, downBurst: burst })
      .nullable()
      .describe('Up is what the client sends'),
    routes: z.array(z.string()).describe('All that leads to this session'),
    filterId: z.string().nullable(),
    queueBytes: count.nullable().describe('What waits for the client'),
    history: z.strictObject({
      intervalSeconds: seconds,
      points: z.array(z.strictObject({ at: time, rxBps: rate, txBps: rate })).describe('The oldest first'),
    }),
  })
  .register(SCHEMAS, { id: 'SessionDetail' });

export const sessionClosing = z
  .strictObject({ id: z.string(), state: z.literal('closing') })
  .register(SCHEMAS, { id: 'SessionClosing' });

export type SessionState = View<typeof sessionState>;
/** One session as it is shown in JSON. rx is what the gateway received from the client. */
export type SessionView = View<typeof session>;
export type SessionDetail = View<typeof sessionDetail>;
