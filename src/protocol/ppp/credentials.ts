// What an authenticator asks its owner to decide, and the answer. Plain data: both cross threads by structured clone.

/** Authentication methods by the words that the configuration uses, in no order. */
export type AuthMethod = 'pap' | 'chap' | 'mschapv2';

/** One attempt of the peer to prove who it is. Byte fields have the lengths of their method's packets. */
export type Credentials =
  | { readonly kind: 'pap'; readonly user: string; readonly password: string }
  | {
      readonly kind: 'chap';
      readonly user: string;
      /** Identifier of the packet that is part of the hash, RFC 1994 4.1. */
      readonly id: number;
      readonly challenge: Uint8Array;
      readonly response: Uint8Array;
    }
  | {
      readonly kind: 'mschapv2';
      readonly user: string;
      readonly id: number;
      readonly authenticatorChallenge: Uint8Array;
      readonly peerChallenge: Uint8Array;
      readonly ntResponse: Uint8Array;
    };

/** What the peer's end of the link is told. All addresses are unsigned 32-bit numbers. */
export interface Ipv4Parameters {
  /** The peer's own address. */
  readonly address: number;
  /** Our end of the point-to-point link. */
  readonly gateway: number;
  /** At most two are used. */
  readonly dns: readonly number[];
  /** At most two are used. */
  readonly nbns: readonly number[];
}

export interface AcceptedVerdict {
  readonly kind: 'accepted';
  /** The higher-layer authentication key of MS-SSTP 3.2.5.2: 32 bytes, zeros for methods without keys. */
  readonly hlak: Uint8Array;
  /** Goes to the peer as it is: `S=<40 hex> M=<text>` for MS-CHAPv2, plain text otherwise. */
  readonly message: string;
  /** Absent when the user may not have IPv4. */
  readonly ipv4: Ipv4Parameters | undefined;
  readonly mtu?: number;
}

export interface RejectedVerdict {
  readonly kind: 'rejected';
  /** RFC 2759 6, for example 691. */
  readonly code: number;
  readonly message: string;
}

export type Verdict = AcceptedVerdict | RejectedVerdict;
