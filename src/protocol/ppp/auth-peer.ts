import { ChapMd5Prover, ChapPeer, MsChapV2Prover } from './chap-peer.ts';
import type { AuthMethod } from './credentials.ts';
import { EapPeer } from './eap-peer.ts';
import type { PppEndReason } from './end-reason.ts';
import { PapPeer } from './pap-peer.ts';

/** The client's side of one authentication. What it sends are information fields of its own PPP protocol. */
export interface AuthPeer {
  /** When `handleTimeout` wants to be called; may change with every input. */
  readonly deadline: number;
  start(now: number): void;
  receive(information: Uint8Array, now: number): void;
  handleTimeout(now: number): void;
}

/** What the server said about a refusal. */
export interface AuthFailure {
  /** RFC 2759 6, for MS-CHAPv2 only, in EAP or not, and not from every server. */
  readonly code: number | undefined;
  /** The server's text, which may be empty. */
  readonly message: string;
}

export interface AuthPeerOutput {
  send(information: Uint8Array): void;
  /** `hlak`: 32 bytes. May come again when the server repeats its challenge later. */
  authenticated(hlak: Uint8Array, now: number): void;
  failed(reason: PppEndReason, failure: AuthFailure | undefined): void;
}

export interface AuthPeerOptions {
  readonly user: string;
  readonly password: string;
  /** From start to success. */
  readonly authTimeoutMs: number;
  /** Between two copies of what waits for an answer. */
  readonly retransmitMs: number;
  readonly random: (length: number) => Uint8Array;
}

export const AUTH_PEERS: Readonly<Record<AuthMethod, (output: AuthPeerOutput, options: AuthPeerOptions) => AuthPeer>> =
  {
    pap: (output, options) => new PapPeer(output, options),
    chap: (output, options) => new ChapPeer(new ChapMd5Prover(options), output, options),
    mschapv2: (output, options) => new ChapPeer(new MsChapV2Prover(options), output, options),
    eap: (output, options) => new EapPeer(output, options),
  };
