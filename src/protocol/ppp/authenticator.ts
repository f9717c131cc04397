import { ChapAuthenticator, CHAP_MD5, MS_CHAP_V2 } from './chap-authenticator.ts';
import type {
  AcceptedVerdict,
  AuthMethod,
  ChallengeVerdict,
  Credentials,
  EapMode,
  FinalVerdict,
} from './credentials.ts';
import { EapLocalAuthenticator } from './eap-local-authenticator.ts';
import { EapRelayAuthenticator } from './eap-relay-authenticator.ts';
import { PapAuthenticator } from './pap-authenticator.ts';

/** The server's side of one authentication. What it sends are information fields of its own PPP protocol. */
export interface Authenticator {
  /** When `handleTimeout` wants to be called; may change with every input. */
  readonly deadline: number;
  start(now: number): void;
  receive(information: Uint8Array, now: number): void;
  /** The answer to `verify`. Without an open question it is ignored. */
  verdict(verdict: FinalVerdict, now: number): void;
  /** The same for a verdict that is none yet. Absent where the peer cannot be asked for more. */
  challenge?(verdict: ChallengeVerdict, now: number): void;
  handleTimeout(now: number): void;
}

export interface AuthenticatorOutput {
  send(information: Uint8Array): void;
  /** One at a time; but for EAP that is relayed once at all: a second attempt of the peer gets the answer to the first. */
  verify(credentials: Credentials): void;
  /** The peer has been told so already. */
  accepted(user: string, verdict: AcceptedVerdict, now: number): void;
  /** The peer has been told so already. */
  rejected(user: string): void;
  /** The peer wants none of the types of EAP that can be had. True when LCP goes on with another method: it need not be told. */
  refused(): boolean;
  timedOut(): void;
}

export interface AuthenticatorOptions {
  readonly eap: EapMode;
  /** Our name in a Challenge. */
  readonly serverName: string;
  /** From start to verdict. */
  readonly authTimeoutMs: number;
  /** Between two copies of what waits for an answer. */
  readonly retransmitMs: number;
  readonly random: (length: number) => Uint8Array;
}

export const AUTHENTICATORS: Readonly<
  Record<AuthMethod, (output: AuthenticatorOutput, options: AuthenticatorOptions) => Authenticator>
> = {
  pap: (output, options) => new PapAuthenticator(output, options),
  chap: (output, options) => new ChapAuthenticator(CHAP_MD5, output, options),
  mschapv2: (output, options) => new ChapAuthenticator(MS_CHAP_V2, output, options),
  eap: (output, options) =>
    options.eap === 'local' ? new EapLocalAuthenticator(output, options) : new EapRelayAuthenticator(output, options),
};
