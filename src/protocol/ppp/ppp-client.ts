// The client's end of a PPP link over SSTP: authenticates itself, asks for an address. Sans-io: the owner calls the inputs
// with its monotonic milliseconds and must not call back in from an output.
import { PppProtocol } from '../../wire/ppp.ts';
import { encodeText } from '../../wire/text.ts';
import { AUTH_PEERS, type AuthFailure, type AuthPeerOptions } from './auth-peer.ts';
import { authProtocol } from './auth-protocol.ts';
import { DEFAULT_RESTART } from './automaton.ts';
import type { AuthMethod, NetworkFamily, OpenNetwork } from './credentials.ts';
import type { EchoOptions } from './echo-keepalive.ts';
import type { PppEndReason } from './end-reason.ts';
import { IpcpClientPolicy } from './ipcp-client-policy.ts';
import { Ipv6cpClientPolicy } from './ipv6cp-client-policy.ts';
import { LcpClientPolicy } from './lcp-client-policy.ts';
import type { OptionPolicy } from './option-policy.ts';
import { type LinkAuthentication, networkFamily, PppLink, type PppPhase } from './ppp-link.ts';

/** PAP has one length byte for each, and a name that works with one method only would be a trap. */
const MAX_CREDENTIAL_LENGTH = 255;

export interface PppClientOutput {
  /** A frame of LCP, of authentication or of a network control protocol. */
  sendFrame(protocol: number, information: Uint8Array): void;
  /**
   * The server accepted us and, with MS-CHAPv2, proved that it knows the password. `hlak`: 32 bytes. Once per link, before
   * the first frame of a network protocol.
   */
  authenticated(hlak: Uint8Array, now: number): void;
  /** IPCP or IPv6CP is opened. `mru`: bytes of the longest IP packet to send, never more than SSTP can carry. */
  networkUp(network: OpenNetwork, mru: number): void;
  networkDown(family: NetworkFamily): void;
  /** Once, and nothing after it: the owner ends the call. Not after `lowerDown`. */
  ended(reason: PppEndReason): void;
}

export interface PppClientOptions {
  /** `DOMAIN\name` or `name`. At most 255 bytes of UTF-8, and so is the password. */
  readonly user: string;
  readonly password: string;
  /** The MRU of our first Configure-Request, in bytes. */
  readonly mru: number;
  /** What the server may demand, in order of preference, not empty. */
  readonly auth: readonly AuthMethod[];
  /** Ask for DNS servers. */
  readonly requestDns: boolean;
  /** Ask for NetBIOS name servers. */
  readonly requestNbns?: boolean;
  /** An address to ask for, unsigned 32-bit; the server may give another one. */
  readonly requestAddress?: number;
  /** Negotiate IPv6 beside IPv4; the link comes up with either. */
  readonly ipv6?: boolean;
  readonly lcpEcho: EchoOptions;
  /** From LCP opened to success. */
  readonly authTimeoutMs: number;
  readonly random: (length: number) => Uint8Array;
  /** Restart timer of all protocols. */
  readonly restartMs?: number;
}

export class PppClient {
  readonly #output: PppClientOutput;
  readonly #authOptions: AuthPeerOptions;
  readonly #policy: LcpClientPolicy;
  readonly #ipcp: IpcpClientPolicy;
  readonly #ipv6cp: Ipv6cpClientPolicy | undefined;
  readonly #link: PppLink;
  #authenticated = false;
  #authFailure: AuthFailure | undefined;

  /** Throws RangeError for credentials that have no encoding. */
  constructor(output: PppClientOutput, options: PppClientOptions) {
    const { user, password, mru, auth, authTimeoutMs, random } = options;
    requireEncodable(options);
    const restartMs = options.restartMs ?? DEFAULT_RESTART.restartMs;
    const restart = { ...DEFAULT_RESTART, restartMs, firstRestartMs: restartMs };
    this.#output = output;
    this.#authOptions = { user, password, authTimeoutMs, retransmitMs: restartMs, random };
    this.#policy = new LcpClientPolicy(mru, auth, random);
    this.#ipcp = new IpcpClientPolicy({
      address: options.requestAddress ?? 0,
      dns: options.requestDns,
      nbns: options.requestNbns ?? false,
    });
    this.#ipv6cp = options.ipv6 === true ? new Ipv6cpClientPolicy(random) : undefined;
    this.#link = new PppLink(
      {
        sendFrame: (protocol, information) => output.sendFrame(protocol, information),
        newAuthentication: () => this.#newAuthentication(),
        // A second authentication would be outside of the crypto binding.
        refuseRenegotiation: () => (this.#authenticated ? 'lcp-renegotiated' : undefined),
        networkOpened: protocol => output.networkUp(this.#agreed(protocol), this.peerMru),
        networkClosed: protocol => output.networkDown(networkFamily(protocol)),
        ended: reason => output.ended(reason),
      },
      this.#policy,
      { lcpRestart: restart, networkRestart: restart, lcpEcho: options.lcpEcho },
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

  /** What the server demanded last. */
  get method(): AuthMethod | undefined {
    return this.#policy.method;
  }

  /** Bytes of the longest information field that the server takes and SSTP can carry. */
  get peerMru(): number {
    return this.#policy.transmitLimit;
  }

  /** What the server said when it refused us: set before `ended` with `auth-failed`. */
  get authFailure(): AuthFailure | undefined {
    return this.#authFailure;
  }

  /** Whether this network protocol is open, or may still come to be: once authenticated, until either side gives it up. */
  mayHave(family: NetworkFamily): boolean {
    return this.#link.hasNetwork(family === 4 ? PppProtocol.Ipcp : PppProtocol.Ipv6cp);
  }

  /** Frames can flow: starts LCP. */
  up(now: number): void {
    this.#link.up(now);
  }

  /** One frame. `information` is not kept. */
  receive(protocol: number, information: Uint8Array, now: number): void {
    this.#link.receive(protocol, information, now);
  }

  /** Anything at all came from the server: that is life, as an Echo-Reply is. Only a store, for the data path. */
  heard(now: number): void {
    this.#link.heard(now);
  }

  /** Ends the link in order; `ended` follows when the server has answered, or after two seconds. */
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

  #newAuthentication(): LinkAuthentication {
    const method = this.method;
    // The policy acknowledges no request without an Authentication-Protocol option that it knows.
    if (method === undefined) throw new Error('LCP is opened without an authentication method');
    const protocol = authProtocol(method);
    const peer = AUTH_PEERS[method](
      {
        send: information => this.#output.sendFrame(protocol, information),
        authenticated: (hlak, now) => this.#accepted(hlak, now),
        failed: (reason, failure) => {
          this.#authFailure = failure;
          this.#link.end(reason);
        },
      },
      this.#authOptions,
    );
    return { protocol, machine: peer };
  }

  #accepted(hlak: Uint8Array, now: number): void {
    if (this.#authenticated) return;
    this.#authenticated = true;
    this.#output.authenticated(hlak, now);
    const policies = new Map<number, OptionPolicy>([[PppProtocol.Ipcp, this.#ipcp]]);
    if (this.#ipv6cp !== undefined) policies.set(PppProtocol.Ipv6cp, this.#ipv6cp);
    this.#link.enterNetwork(policies, now);
  }

  #agreed(protocol: number): OpenNetwork {
    return protocol === PppProtocol.Ipv6cp && this.#ipv6cp !== undefined
      ? { family: 6, ipv6: this.#ipv6cp.parameters }
      : { family: 4, ipv4: this.#ipcp.parameters };
  }
}

/** Throws RangeError for a user name or password that PPP cannot carry. */
export function requireEncodable(credentials: Pick<PppClientOptions, 'user' | 'password'>): void {
  for (const [what, text] of Object.entries({ 'user name': credentials.user, password: credentials.password })) {
    const length = encodeText(text).length;
    if (length > MAX_CREDENTIAL_LENGTH) {
      throw new RangeError(
        `a ${what} of ${length} bytes has no encoding in PPP, which has room for ${MAX_CREDENTIAL_LENGTH}`,
      );
    }
  }
}
