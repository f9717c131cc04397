// What an authenticator asks its owner to decide, and the answer. Plain data: both cross threads by structured clone.

import type { Ipv6Prefix } from '../../wire/ipv6.ts';

/** Authentication methods by the words that the configuration uses, in no order. */
export type AuthMethod = 'pap' | 'chap' | 'mschapv2' | 'eap';

/** Who leads EAP: we ourselves, with EAP-MSCHAPv2, or whoever answers `verify`, with any type. */
export type EapMode = 'local' | 'relay';

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
    }
  | {
      /** One step of an EAP conversation that somebody else leads. */
      readonly kind: 'eap';
      /** What the peer called itself in its Identity response. */
      readonly user: string;
      /** The whole EAP Response. */
      readonly packet: Uint8Array;
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

/** What the peer's end of the link is told about IPv6. */
export interface Ipv6Parameters {
  /** 64 bits, not zero, of the peer's link-local address (RFC 5072 4.1). */
  readonly interfaceId: bigint;
  /** The peer must take `interfaceId`. RFC 5072 lets it have another one. */
  readonly insistsOnInterfaceId?: boolean;
  /** 64 bits, not zero, of ours. */
  readonly gatewayInterfaceId: bigint;
  /** Advertised to the peer, which makes its address of it. Undefined: link-local only. */
  readonly prefix: Ipv6Prefix | undefined;
  /** What DHCPv6 delegates on request. */
  readonly delegated: Ipv6Prefix | undefined;
  readonly dns: readonly bigint[];
}

/** A network protocol that is open on a link, and what it agreed on. */
export type OpenNetwork =
  | { readonly family: 4; readonly ipv4: Ipv4Parameters }
  | { readonly family: 6; readonly ipv6: Ipv6Parameters };

export type NetworkFamily = OpenNetwork['family'];

export interface AcceptedVerdict {
  readonly kind: 'accepted';
  /** The higher-layer authentication key of MS-SSTP 3.2.5.2: 32 bytes, zeros for methods without keys. */
  readonly hlak: Uint8Array;
  /** Keys of 32 bytes that are as good: what some clients make of the same secret. */
  readonly hlakAlternatives?: readonly Uint8Array[];
  /** Goes to the peer as it is: `S=<40 hex> M=<text>` for MS-CHAPv2, plain text otherwise. */
  readonly message: string;
  /** Absent when the user may not have IPv4. */
  readonly ipv4: Ipv4Parameters | undefined;
  /** Absent when the user may not have IPv6. */
  readonly ipv6?: Ipv6Parameters | undefined;
  /** The EAP-Success packet, when the credentials were of kind `eap`. */
  readonly packet?: Uint8Array;
  /** Bytes of the longest IP packet for this user; what was negotiated may be less. */
  readonly mtu?: number | undefined;
}

export interface RejectedVerdict {
  readonly kind: 'rejected';
  /** RFC 2759 6, for example 691. */
  readonly code: number;
  readonly message: string;
  /** The EAP-Failure packet, when the credentials were of kind `eap`. */
  readonly packet?: Uint8Array;
}

/** EAP goes on. Only for credentials of kind `eap`; the next `verify` follows when the peer has answered. */
export interface ChallengeVerdict {
  readonly kind: 'challenge';
  /** The whole EAP Request for the peer. */
  readonly packet: Uint8Array;
  /** How long the peer may take, when somebody said so. */
  readonly timeoutMs?: number;
}

export type FinalVerdict = AcceptedVerdict | RejectedVerdict;

export type Verdict = FinalVerdict | ChallengeVerdict;
