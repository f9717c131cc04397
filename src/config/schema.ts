// The configuration as the rest of the program sees it: field names are the YAML keys, every value is parsed and checked.
// Durations are milliseconds, IPv4 addresses unsigned 32-bit numbers in host order, paths absolute. Structured-clone-safe.

export interface Config {
  /** The file this came from; undefined for the embedded default. */
  readonly file: string | undefined;
  readonly listen: readonly ListenAddress[];
  readonly tls: {
    /** At least one; the first one answers clients that send no server name or one that no entry has. */
    readonly certificates: readonly ServerCertificate[];
    readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
    /** OpenSSL cipher list; undefined is Node's own default. */
    readonly ciphers: string | undefined;
  };
  /** Number of data workers, `auto` already resolved to the CPU cores this process may use. */
  readonly workers: number;
  readonly stateDir: string;
  readonly drainTimeout: number;
  readonly sstp: {
    readonly negotiationTimeout: number;
    readonly helloInterval: number;
    /** Hash protocols offered for crypto binding, never empty. */
    readonly hashes: readonly BindingHash[];
    readonly packetsPerRecord: 'auto' | 'one' | 'many';
    /** What a request that is not SSTP gets: an ordinary 404, or nothing but a closed connection. */
    readonly decoy: 404 | 'close';
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
      readonly gateway: number;
      readonly dns: readonly number[];
      readonly nbns: readonly number[];
    };
    readonly mssClamp: boolean;
    readonly antiSpoofing: boolean;
  };
  readonly aaa: { readonly method: 'users'; readonly users: string };
  readonly limits: {
    /** Infinity when no limit is set; the pool is a limit of its own. */
    readonly maxSessions: number;
    readonly maxHalfOpen: number;
  };
  readonly admin: {
    readonly listen: ListenAddress;
    readonly tokenFile: string | undefined;
    /** Content of tokenFile, trimmed. A secret: never logged, never sent to a worker. */
    readonly token: string | undefined;
  };
  readonly log: { readonly level: LogLevel; readonly format: 'json' | 'pretty' };
}

export type PppAuthMethod = 'pap' | 'chap' | 'mschapv2' | 'eap';
export type BindingHash = 'sha256' | 'sha1';
type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Host is a literal address without brackets. Port 0 (any free port) is for tests. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
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
