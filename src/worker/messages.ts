/**
 * Everything that crosses between the main thread and a data worker. Control only: a packet never does, but
 * copies of those of a session that is being captured, on a port of their own.
 * All values are plain data that structured clone copies; ids are branded so that a slot or a port is never taken for one.
 */
import type { MessagePort } from 'node:worker_threads';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { DhcpSettings } from '../protocol/link/dhcp-responder.ts';
import type { AuthMethod, Credentials, EapMode, Verdict } from '../protocol/ppp/credentials.ts';
import type { PppDescription } from '../protocol/ppp/description.ts';
import type { RefusalReason } from '../https/connection.ts';
import type { DecoyOption } from '../https/decoy.ts';
import type { TunHandle } from '../tun/tun-device.ts';
import type { Ipv6Prefix } from '../wire/ipv6.ts';
import type { HashProtocol } from '../wire/sstp.ts';

/** Unique in the life of the gateway process: the worker task's generation in the high part, a sequence in the low 32 bits. */
export type SessionId = number & { readonly brand: unique symbol };

/** What a piscina task is started with. */
export interface WorkerStart {
  readonly worker: number;
  /** Counts the tasks that were ever started, so that session ids of a dead worker never come back. */
  readonly generation: number;
  readonly port: MessagePort;
  readonly hotpath: WebAssembly.Module;
  readonly settings: WorkerSettings;
  /** One block of {@link WorkerCounters} for each worker. */
  readonly counters: readonly SharedArrayBuffer[];
  /** The TUN device that the main thread opened for this worker; without it the worker runs the echo network. */
  readonly tun: TunHandle | undefined;
}

interface CertificatePair {
  /** PEM, leaf first. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly serverNames: readonly string[];
}

/** The part of the configuration that a worker needs, with every file already read. */
export interface WorkerSettings {
  readonly listen: readonly {
    readonly host: string;
    readonly port: number;
    readonly trustedProxies: readonly string[] | undefined;
  }[];
  readonly tls: {
    readonly certificates: readonly CertificatePair[];
    readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
    readonly ciphers: string | undefined;
    /** Tell the keys of every connection. */
    readonly keyLog: boolean;
  };
  readonly sstp: {
    readonly negotiationTimeoutMs: number;
    readonly helloIntervalMs: number;
    /** MS-SSTP 2.2.7 bitmask of the hash protocols on offer. */
    readonly hashProtocols: number;
    readonly packetsPerRecord: 'auto' | 'one' | 'many';
    readonly decoy: DecoyOption;
  };
  readonly ppp: {
    readonly mtu: number;
    readonly auth: readonly AuthMethod[];
    readonly eap: EapMode;
    readonly lcpEcho: { readonly intervalMs: number; readonly failures: number };
    readonly serverName: string;
  };
  readonly network: {
    /** IPv4 address of the gateway inside every tunnel. */
    readonly gateway: number;
    /** Its IPv6 address of global scope, which the echo network answers on; it has a link-local one in each tunnel. */
    readonly gateway6: bigint | undefined;
    /** What clients are told that ask by DHCP. */
    readonly dhcp: DhcpSettings;
    readonly mssClamp: boolean;
    readonly antiSpoofing: boolean;
  };
  readonly limits: {
    readonly maxSessions: number;
    readonly maxHalfOpen: number;
    /** This worker's share. */
    readonly perAddress: { readonly rate: number; readonly burst: number; readonly halfOpen: number } | undefined;
  };
}

/** Seen from the client: up is what it sends. Undefined is unlimited. */
export interface RateLimit {
  /** Bits per second of IP packets. */
  readonly up: number | undefined;
  readonly down: number | undefined;
  /** Bytes that may pass at once after a silence; undefined for the default of the shaper. */
  readonly upBurst?: number | undefined;
  readonly downBurst?: number | undefined;
}

/** A network behind a client, beside its own addresses. */
export type SessionRoute =
  | { readonly family: 4; readonly address: number; readonly length: number; readonly metric: number | undefined }
  | { readonly family: 6; readonly prefix: Ipv6Prefix; readonly metric: number | undefined };

/** What the worker itself sees to while a session is up. Undefined is unlimited. */
export interface SessionPolicy {
  readonly sessionTimeoutMs: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly rate: RateLimit | undefined;
  /** Networks behind the client: their packets go to it, and it may send from them. */
  readonly routes?: readonly SessionRoute[] | undefined;
}

/** How a session is captured. */
export interface CapturePlan {
  readonly seconds: number;
  /** Of packet blocks, as they stand in the file. */
  readonly bytes: number;
  /** Infinity for no bound. */
  readonly frames: number;
  /** Bytes of a frame that are kept at most; 0 for all. */
  readonly snapLength: number;
  /** Authentication is shown as it is. */
  readonly authentication: boolean;
}

/** Why a capture ended. When its worker is lost, or the session had ended before it began, the port closes without a word. */
export type CaptureEnd = 'seconds' | 'bytes' | 'packets' | 'stopped' | 'session-ended';

/** On the port of a capture, to the worker. The main thread closes the port. */
export type ToCapture =
  /** One of the parts has been passed on: there is room for another one. */
  { readonly kind: 'taken' } | { readonly kind: 'stop' };

/** On the port of a capture, from the worker. */
export type FromCapture =
  /** Whole blocks of a pcapng file. */
  | { readonly kind: 'part'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The last word. */
  | {
      readonly kind: 'ended';
      readonly reason: CaptureEnd;
      /** Microseconds since 1970. */
      readonly start: number;
      readonly end: number;
      /** Frames that there were, and how many of them are missing for want of room. */
      readonly received: number;
      readonly dropped: number;
    };

export type ToWorker =
  /** The answer to a `verify`. */
  | { readonly kind: 'verdict'; readonly session: SessionId; readonly verdict: Verdict }
  /** Comes before the verdict that accepts, and again when it changes. */
  | { readonly kind: 'policy'; readonly session: SessionId; readonly policy: SessionPolicy }
  /** For tunnels that come from now on. Addresses and the gateway's own stay as they are. */
  | { readonly kind: 'settings'; readonly settings: WorkerSettings }
  /** End this tunnel in good order. */
  | { readonly kind: 'disconnect'; readonly session: SessionId; readonly reason: TunnelEndReason }
  /** End this tunnel now: the client is told, but not waited for. */
  | { readonly kind: 'evict'; readonly session: SessionId; readonly reason: TunnelEndReason }
  /** Copy this tunnel's PPP frames to the port, from now on. */
  | { readonly kind: 'capture'; readonly session: SessionId; readonly plan: CapturePlan; readonly port: MessagePort }
  /** Answered by `description`, which carries the same number. */
  | { readonly kind: 'describe'; readonly request: number; readonly session: SessionId }
  /** Refuse new connections; with `end`, end every tunnel in good order. */
  | { readonly kind: 'drain'; readonly end: boolean }
  /** Close what is left without a word and end the task. */
  | { readonly kind: 'stop' };

export type FromWorker =
  /** All listeners accept. Ports are those really bound. */
  | { readonly kind: 'ready'; readonly listening: readonly { readonly host: string; readonly port: number }[] }
  /** The preamble was good: a session exists. */
  | {
      readonly kind: 'opened';
      readonly session: SessionId;
      readonly slot: number;
      readonly remoteAddress: string;
      readonly remotePort: number;
      readonly localAddress: string;
      /** What the client called the gateway: the name in TLS, else in HTTP. */
      readonly serverName: string | undefined;
      readonly tls: { readonly version: string; readonly cipher: string };
      readonly correlationId: string | undefined;
      /** Milliseconds since 1970. */
      readonly connectedAt: number;
    }
  /** Decide about these credentials; answered by `verdict`. */
  | {
      readonly kind: 'verify';
      readonly session: SessionId;
      readonly credentials: Credentials;
      /** Bytes of the longest IP packet that both ends take. */
      readonly mtu: number;
      /** What the client said about itself in LCP. */
      readonly identification: readonly string[];
    }
  /** The peer was told that it is who it says it is. */
  | { readonly kind: 'authenticated'; readonly session: SessionId; readonly method: AuthMethod }
  /** Call connected and a network protocol open: packets flow. `networks` follows; `interfaceId` is the one that it will tell. */
  | {
      readonly kind: 'up';
      readonly session: SessionId;
      readonly mtu: number;
      readonly interfaceId: bigint | undefined;
    }
  /** Which network protocols are open. After `up`, and whenever that changes. */
  | {
      readonly kind: 'networks';
      readonly session: SessionId;
      readonly ipv4: boolean;
      /** What the client ends its addresses with (64 bits) while IPv6 is open, undefined otherwise. */
      readonly interfaceId: bigint | undefined;
    }
  /** An orderly end has begun. */
  | { readonly kind: 'closing'; readonly session: SessionId; readonly reason: TunnelEndReason }
  /** The tunnel is gone from the worker. */
  | {
      readonly kind: 'closed';
      readonly session: SessionId;
      readonly reason: TunnelEndReason;
      /** When the socket event or decision happened that ended it, on the clock of `monotonicMs`. */
      readonly at: number;
      readonly traffic: SessionTraffic;
    }
  /** Undefined for a session that is not there any more. */
  | { readonly kind: 'description'; readonly request: number; readonly description: SessionDescription | undefined }
  /** A line for the file of TLS keys. A secret. */
  | { readonly kind: 'key-log'; readonly line: string }
  /** A connection that never became a session. */
  | {
      readonly kind: 'refused';
      readonly reason: RefusalReason;
      readonly remoteAddress: string;
      /** What the TLS library or the socket said; may be empty. */
      readonly detail: string;
    };

/** What only its worker knows of a session. Times are milliseconds since 1970. */
export interface SessionDescription extends PppDescription {
  /** Of the crypto binding, once that stands. */
  readonly hashProtocol: HashProtocol | undefined;
  readonly helloIntervalMs: number;
  /** While SSTP's negotiation timer runs. */
  readonly negotiationEndsAt: number | undefined;
  /** When it will have been silent for too long. */
  readonly idleEndsAt: number | undefined;
  /** Waits for the client. */
  readonly queueBytes: number;
}

/** rx is what the gateway received from the client. Bytes are those of IP packets. */
export interface SessionTraffic {
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly drops: number;
}
