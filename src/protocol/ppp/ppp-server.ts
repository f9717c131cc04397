// The server's end of a PPP link over SSTP: demands authentication, assigns the address. Sans-io: the owner calls the
// inputs with its monotonic milliseconds and must not call back in from an output, `verify` included.
import { MsChapFailureCode } from '../../wire/chap.ts';
import { PppProtocol } from '../../wire/ppp.ts';
import { AUTHENTICATORS, type Authenticator, type AuthenticatorOptions } from './authenticator.ts';
import { authProtocol } from './auth-protocol.ts';
import { DEFAULT_RESTART } from './automaton.ts';
import { type PppDescription, STATE_NAMES } from './description.ts';
import type {
  AcceptedVerdict,
  AuthMethod,
  Credentials,
  EapMode,
  NetworkFamily,
  OpenNetwork,
  RejectedVerdict,
  Verdict,
} from './credentials.ts';
import type { EchoOptions } from './echo-keepalive.ts';
import type { PppEndReason } from './end-reason.ts';
import { IpcpServerPolicy } from './ipcp-server-policy.ts';
import { Ipv6cpServerPolicy } from './ipv6cp-server-policy.ts';
import { LcpServerPolicy } from './lcp-server-policy.ts';
import type { OptionPolicy } from './option-policy.ts';
import { type LinkAuthentication, networkFamily, PppLink, type PppPhase } from './ppp-link.ts';

/** Windows was seen to ignore a Configure-Request that comes right behind the Call Connect Ack; it costs 3 s else. */
const FIRST_RESTART_MS = 750;

/** What a challenge comes to for a peer that can send its password but nothing more. */
const NO_DIALOGUE: RejectedVerdict = {
  kind: 'rejected',
  code: MsChapFailureCode.AuthenticationFailure,
  message: 'Authentication failed',
};

export interface PppServerOutput {
  /** A frame of LCP, of authentication or of a network control protocol. */
  sendFrame(protocol: number, information: Uint8Array): void;
  /** To be answered by `verdict`, once, later. With EAP that is relayed it comes once for each response of the peer. */
  verify(credentials: Credentials): void;
  /**
   * The peer has been told. `hlak`: 32 bytes for the crypto binding, which may be made with one of the `alternatives` as well.
   * Once per link.
   */
  authenticated(user: string, method: AuthMethod, hlak: Uint8Array, alternatives: readonly Uint8Array[]): void;
  /** The peer has been told, and the link ends. */
  authenticationFailed(user: string, method: AuthMethod): void;
  /** IPCP or IPv6CP is opened. `peerMru`: bytes of the longest IP packet to send, never more than SSTP can carry. */
  networkUp(network: OpenNetwork, peerMru: number): void;
  networkDown(family: NetworkFamily): void;
  /** Once, and nothing after it: the owner ends the call. Not after `lowerDown`. */
  ended(reason: PppEndReason): void;
}

export interface PppServerOptions {
  /** The MRU of our first Configure-Request, in bytes; the peer may talk us into another one. */
  readonly mru: number;
  /** In order of offer, not empty. */
  readonly auth: readonly AuthMethod[];
  readonly eap: EapMode;
  /** Our name in a Challenge. */
  readonly serverName: string;
  readonly lcpEcho: EchoOptions;
  /** From LCP opened for the first time to the last verdict. */
  readonly authTimeoutMs: number;
  readonly random: (length: number) => Uint8Array;
  /** Restart timer of all protocols. */
  readonly restartMs?: number;
  /** Restart timer after the first LCP Configure-Request. */
  readonly firstRestartMs?: number;
}

export class PppServer {
  readonly #output: PppServerOutput;
  readonly #policy: LcpServerPolicy;
  readonly #link: PppLink;
  readonly #authOptions: AuthenticatorOptions;
  #authenticator: Authenticator | undefined;
  /** The end of the time for all attempts together: LCP negotiated anew does not lengthen it. */
  #authenticatedBy: number | undefined;
  #verifying = false;
  #authenticated = false;
  /** What is negotiated, by PPP protocol number, and what it has come to. */
  #networks: ReadonlyMap<number, { readonly policy: OptionPolicy; agreed(): OpenNetwork }> = new Map();

  constructor(output: PppServerOutput, options: PppServerOptions) {
    const { mru, auth, eap, serverName, authTimeoutMs, random } = options;
    const restartMs = options.restartMs ?? DEFAULT_RESTART.restartMs;
    this.#output = output;
    this.#authOptions = { eap, serverName, authTimeoutMs, retransmitMs: restartMs, random };
    this.#policy = new LcpServerPolicy(mru, auth, random);
    this.#link = new PppLink(
      {
        sendFrame: (protocol, information) => output.sendFrame(protocol, information),
        newAuthentication: now => this.#newAuthentication(now),
        refuseRenegotiation: () =>
          // A second authentication would be outside of the crypto binding, and a verdict that is under way would be
          // taken for the answer to other credentials.
          this.#verifying || this.#authenticated ? 'lcp-renegotiated' : undefined,
        networkOpened: protocol => this.#networkOpened(protocol),
        networkClosed: protocol => output.networkDown(networkFamily(protocol)),
        ended: reason => output.ended(reason),
      },
      this.#policy,
      {
        lcpRestart: { ...DEFAULT_RESTART, restartMs, firstRestartMs: options.firstRestartMs ?? FIRST_RESTART_MS },
        networkRestart: { ...DEFAULT_RESTART, restartMs, firstRestartMs: restartMs },
        lcpEcho: options.lcpEcho,
      },
    );
  }

  get phase(): PppPhase {
    return this.#link.phase;
  }

  /** Why the link is ending, also before `ended`. */
  get endReason(): PppEndReason | undefined {
    return this.#link.endReason;
  }

  /** When `handleTimeout` wants to be called, Infinity for never. May change with every input but `heard`. */
  get deadline(): number {
    return this.#link.deadline;
  }

  /** What LCP agreed on; before that, what it asks for. */
  get method(): AuthMethod | undefined {
    return this.#policy.method;
  }

  /** How the peer described itself in LCP: at most four texts of printable ASCII, at most 64 characters each. */
  get identification(): readonly string[] {
    return this.#link.identification;
  }

  /** Bytes of the longest information field that the peer takes and SSTP can carry. */
  get peerMru(): number {
    return this.#policy.transmitLimit;
  }

  describe(): PppDescription {
    const { magic, method, mru } = this.#policy;
    const { identification, lcpState } = this.#link;
    const networks = Array.from(this.#networks, ([protocol, network]) => {
      const state = this.#link.networkState(protocol);
      return state === undefined ? undefined : { state: STATE_NAMES[state], network: network.agreed() };
    });
    return {
      lcp: { state: STATE_NAMES[lcpState], mru, peerMru: this.peerMru, method, magic, identification },
      networks: networks.filter(described => described !== undefined),
    };
  }

  /** Frames can flow: starts LCP. */
  up(now: number): void {
    this.#link.up(now);
  }

  /** One frame. `information` is not kept. */
  receive(protocol: number, information: Uint8Array, now: number): void {
    this.#link.receive(protocol, information, now);
  }

  /** Anything at all came from the peer: that is life, as an Echo-Reply is. Only a store, for the data path. */
  heard(now: number): void {
    this.#link.heard(now);
  }

  /** The answer to `verify`. Without an open question, or after the end, it is ignored. */
  verdict(verdict: Verdict, now: number): void {
    if (!this.#verifying || this.phase !== 'authenticate') return;
    this.#verifying = false;
    const authenticator = this.#authenticator;
    if (verdict.kind !== 'challenge') authenticator?.verdict(verdict, now);
    else if (authenticator?.challenge !== undefined) authenticator.challenge(verdict, now);
    else authenticator?.verdict(NO_DIALOGUE, now);
    this.#link.settle(now);
  }

  /** Ends the link in order; `ended` follows when the peer has answered, or after two seconds. */
  terminate(reason: PppEndReason, now: number): void {
    this.#link.terminate(reason, now);
  }

  handleTimeout(now: number): void {
    this.#link.handleTimeout(now);
  }

  /** The lower layer is gone: nothing is sent, and of the outputs only `networkDown` may follow. */
  lowerDown(): void {
    this.#link.lowerDown();
  }

  #newAuthentication(now: number): LinkAuthentication {
    const method = this.method;
    // LCP cannot open without an acknowledged Authentication-Protocol option.
    if (method === undefined) throw new Error('LCP is opened without an authentication method');
    const protocol = authProtocol(method);
    this.#authenticatedBy ??= now + this.#authOptions.authTimeoutMs;
    const authenticator = AUTHENTICATORS[method](
      {
        send: information => this.#output.sendFrame(protocol, information),
        verify: credentials => {
          this.#verifying = true;
          this.#output.verify(credentials);
        },
        accepted: (user, verdict, now) => this.#accept(user, method, verdict, now),
        rejected: user => {
          this.#output.authenticationFailed(user, method);
          this.#link.end('auth-failed');
        },
        refused: () => this.#authenticationRefused(),
        timedOut: () => this.#link.end('auth-timeout'),
      },
      { ...this.#authOptions, authTimeoutMs: this.#authenticatedBy - now },
    );
    this.#authenticator = authenticator;
    return { protocol, machine: authenticator };
  }

  /** Windows that offers EAP has a type of its own in mind; that it can do MS-CHAPv2 beside shows only when LCP asks for it. */
  #authenticationRefused(): boolean {
    const hasAnother = this.#policy.abandonMethod();
    if (hasAnother) this.#link.renegotiate();
    else this.#link.end('auth-refused');
    return hasAnother;
  }

  #accept(
    user: string,
    method: AuthMethod,
    { hlak, hlakAlternatives = [], ipv4, ipv6 }: AcceptedVerdict,
    now: number,
  ): void {
    this.#authenticated = true;
    this.#output.authenticated(user, method, hlak, hlakAlternatives);
    const networks = new Map<number, { policy: OptionPolicy; agreed(): OpenNetwork }>();
    if (ipv4 !== undefined) {
      networks.set(PppProtocol.Ipcp, { policy: new IpcpServerPolicy(ipv4), agreed: () => ({ family: 4, ipv4 }) });
    }
    if (ipv6 !== undefined) {
      const policy = new Ipv6cpServerPolicy(ipv6);
      networks.set(PppProtocol.Ipv6cp, { policy, agreed: () => ({ family: 6, ipv6: policy.parameters }) });
    }
    this.#networks = networks;
    this.#link.enterNetwork(new Map(Array.from(networks, ([protocol, { policy }]) => [protocol, policy])), now);
  }

  #networkOpened(protocol: number): void {
    const network = this.#networks.get(protocol);
    if (network !== undefined) this.#output.networkUp(network.agreed(), this.peerMru);
  }
}
