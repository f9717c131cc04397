// The configuration as the rest of the program sees it: field names are the YAML keys, every value is parsed and checked.
// Durations are milliseconds, IPv4 addresses unsigned 32-bit numbers in host order, paths absolute. Structured-clone-safe.

import type { Ipv6Prefix } from '../wire/ipv6.ts';
import type { RadiusOptions } from './radius-options.ts';

export interface Config {
  /** The file this came from; undefined for the embedded default. */
  readonly file: string | undefined;
  readonly listen: readonly ListenConfig[];
  readonly tls: {
    /** At least one; the first one answers clients that send no server name or one that no entry has. */
    readonly certificates: readonly ServerCertificate[];
    readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
    /** OpenSSL cipher list; undefined is Node's own default. */
    readonly ciphers: string | undefined;
    /** Where the keys of every connection go, for debugging. */
    readonly keyLog: string | undefined;
  };
  /** Number of data workers, `auto` already resolved to the CPU cores this process may use. */
  readonly workers: number;
  /** Silence after which a worker counts as hung; Infinity: never. */
  readonly watchdog: number;
  readonly stateDir: string;
  /** How long new tunnels are still taken when the gateway has said that it is not ready. */
  readonly drainDelay: number;
  readonly drainTimeout: number;
  readonly sstp: {
    readonly negotiationTimeout: number;
    readonly helloInterval: number;
    /** Hash protocols offered for crypto binding, never empty. */
    readonly hashes: readonly BindingHash[];
    readonly packetsPerRecord: 'auto' | 'one' | 'many';
    /** What a request that is not SSTP gets: an HTTP error, nothing but a closed connection, a redirect, or a web site. */
    readonly decoy: 404 | 'close' | { readonly redirect: string } | DecoyDirectory;
  };
  readonly ppp: {
    readonly mtu: number;
    /** In order of offer, never empty. */
    readonly auth: readonly PppAuthMethod[];
    readonly lcpEcho: { readonly interval: number; readonly failures: number };
  };
  readonly network: {
    readonly mode: 'auto' | 'tun' | 'echo';
    /** Prefix of the device names: `sstp` gives sstp0, sstp1, ... */
    readonly device: string;
    readonly ipv4: {
      /** Leasable addresses: ascending, disjoint, without network, broadcast and gateway addresses. */
      readonly pool: readonly AddressRange[];
      /** Pools that a user or a RADIUS server chooses by name. */
      readonly pools: readonly NamedRanges[];
      /** The pool that helps out when `pool` is exhausted. */
      readonly next: string | undefined;
      readonly gateway: number;
      readonly dns: readonly number[];
      readonly nbns: readonly number[];
    };
    /** Undefined: tunnels carry no IPv6. */
    readonly ipv6: Ipv6Config | undefined;
    /** What Windows asks for by DHCPINFORM. */
    readonly dhcp: {
      readonly domain: string | undefined;
      readonly search: readonly string[];
      readonly routes: readonly Ipv4Network[];
    };
    readonly mssClamp: boolean;
    readonly antiSpoofing: boolean;
  };
  readonly aaa: {
    readonly method: 'users' | 'radius';
    readonly users: string;
    /** Holds secrets: never logged, never sent to a worker. */
    readonly radius: RadiusOptions | undefined;
    /** Whether RADIUS is told of sessions. */
    readonly accounting: boolean;
  };
  /** For sessions of which nobody says anything else; undefined is no limit. */
  readonly session: { readonly timeout: number | undefined; readonly idleTimeout: number | undefined };
  readonly hooks: HookConfig;
  readonly limits: {
    /** Infinity when no limit is set; the pool is a limit of its own. */
    readonly maxSessions: number;
    readonly maxHalfOpen: number;
    readonly perAddress: { readonly rate: number; readonly burst: number; readonly halfOpen: number } | undefined;
    /** Infinity for no limit. A newer session is refused, or takes the place of the oldest. */
    readonly perUser: { readonly sessions: number; readonly policy: 'deny' | 'replace' };
  };
  readonly admin: {
    readonly listen: ListenAddress;
    readonly tokenFile: string | undefined;
    /** Content of tokenFile, trimmed. A secret: never logged, never sent to a worker. */
    readonly token: string | undefined;
  };
  readonly log: { readonly level: LogLevel; readonly format: 'json' | 'journal' | 'pretty' };
}

export type PppAuthMethod = 'pap' | 'chap' | 'mschapv2' | 'eap';
export type BindingHash = 'sha256' | 'sha1';
type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

interface ListenConfig extends ListenAddress {
  /** Networks of the proxies that may connect, each connection with a PROXY header; undefined: clients connect themselves. */
  readonly trustedProxies: readonly string[] | undefined;
}

interface DecoyDirectory {
  readonly directory: string;
  readonly files: readonly {
    /** From `/` on, not encoded. */
    readonly path: string;
    readonly contentType: string;
    readonly etag: string;
    /** In memory that threads share. */
    readonly content: Uint8Array;
  }[];
}

/** Host is a literal address without brackets. Port 0 (any free port) is for tests. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Programs with their arguments; undefined for none. */
interface HookConfig {
  readonly up: readonly string[] | undefined;
  readonly down: readonly string[] | undefined;
  readonly timeLimit: number;
  readonly concurrency: number;
}

/** By this name the `pool` of a family can be a pool's `next`, and can be asked for as others are. */
export const DEFAULT_POOL = 'default';

interface NamedRanges {
  readonly name: string;
  /** As those of `pool`. */
  readonly ranges: readonly AddressRange[];
  readonly next: string | undefined;
}

export interface Ipv6Config {
  /** Prefixes on the links, one for each session. */
  readonly link: PrefixPools;
  /** Prefixes that DHCPv6 delegates. */
  readonly delegated: PrefixPools;
  /** Undefined: the gateway has link-local addresses only. */
  readonly gateway: bigint | undefined;
  readonly dns: readonly bigint[];
}

export interface PrefixPools {
  /** Of what is cut from the prefixes. */
  readonly prefixLength: number;
  /** Without overlaps; may be empty. */
  readonly pool: readonly Ipv6Prefix[];
  readonly pools: readonly {
    readonly name: string;
    readonly prefixes: readonly Ipv6Prefix[];
    readonly next: string | undefined;
  }[];
}

export interface Ipv4Network {
  readonly address: number;
  readonly length: number;
}

/** Both ends included. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

export interface ServerCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM chain, leaf first. */
  readonly cert: string;
  /** PEM private key. A secret. */
  readonly key: string;
  /** Lower case; a leading `*.` stands for exactly one label. From the file, else from the certificate's subject alternative names. */
  readonly serverNames: readonly string[];
}
