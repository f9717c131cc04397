// One PPP link (RFC 1661 3): LCP, then authentication, then the network control protocols, with the rules about which
// protocol may speak in which phase. Who demands authentication and who assigns addresses is the role's business.
import { isControlProtocol, MAX_INFORMATION_LENGTH, PppProtocol } from '../../wire/ppp.ts';
import type { RestartOptions } from './automaton.ts';
import { ControlProtocol } from './control-protocol.ts';
import { EchoKeepalive, type EchoOptions } from './echo-keepalive.ts';
import type { PppEndReason } from './end-reason.ts';
import { Lcp } from './lcp.ts';
import type { LcpPolicy } from './lcp-policy.ts';
import type { NetworkFamily } from './credentials.ts';
import type { OptionPolicy } from './option-policy.ts';
import { State } from './transition-table.ts';

const AUTHENTICATION: ReadonlySet<number> = new Set([PppProtocol.Pap, PppProtocol.Chap, PppProtocol.Eap]);

/** RFC 1661 3.2. */
export type PppPhase = 'dead' | 'establish' | 'authenticate' | 'network' | 'terminate';

/** One authentication of the link, whichever side of it this is. */
export interface LinkAuthentication {
  /** PPP protocol number of its packets. */
  readonly protocol: number;
  readonly machine: {
    readonly deadline: number;
    start(now: number): void;
    receive(information: Uint8Array, now: number): void;
    handleTimeout(now: number): void;
  };
}

export interface PppRole {
  sendFrame(protocol: number, information: Uint8Array): void;
  /** LCP is opened. */
  newAuthentication(now: number): LinkAuthentication;
  /** The peer negotiates LCP again. A reason refuses that. */
  refuseRenegotiation(): PppEndReason | undefined;
  networkOpened(protocol: number): void;
  networkClosed(protocol: number): void;
  /** Once, and nothing after it. Not after `lowerDown`. */
  ended(reason: PppEndReason): void;
}

export interface PppLinkOptions {
  readonly lcpRestart: RestartOptions;
  readonly networkRestart: RestartOptions;
  readonly lcpEcho: EchoOptions;
}

interface NetworkProtocol {
  readonly machine: ControlProtocol;
  /** Why it is of no use any more. */
  dropped: PppEndReason | undefined;
}

/** Of a network control protocol. */
export function networkFamily(protocol: number): NetworkFamily {
  return protocol === PppProtocol.Ipv6cp ? 6 : 4;
}

/** Never re-entrant: what the parts report is acted upon when the input that caused it has been worked off. */
export class PppLink {
  readonly #role: PppRole;
  readonly #policy: LcpPolicy;
  readonly #options: PppLinkOptions;
  readonly #lcp: Lcp;
  readonly #keepalive: EchoKeepalive;
  readonly #networks = new Map<number, NetworkProtocol>();
  /** Data protocols that the peer has been told about: one Protocol-Reject each, not one per packet. */
  readonly #rejectedData = new Set<number>();
  #phase: PppPhase = 'dead';
  #authentication: LinkAuthentication | undefined;
  /** Why the link is to end; the first reason stays. */
  #endReason: PppEndReason | undefined;
  #lcpFinished = false;
  /** The role wants LCP negotiated anew; until that has begun. */
  #isRenegotiating = false;
  #over = false;

  constructor(role: PppRole, policy: LcpPolicy, options: PppLinkOptions) {
    this.#role = role;
    this.#policy = policy;
    this.#options = options;
    this.#keepalive = new EchoKeepalive(options.lcpEcho);
    this.#lcp = this.#newLcp();
  }

  get phase(): PppPhase {
    return this.#phase;
  }

  /** Why the link is ending, from the moment that is known: the exchange of Terminate packets comes first, and `ended` last. */
  get endReason(): PppEndReason | undefined {
    return this.#endReason;
  }

  get lcpState(): State {
    return this.#lcp.state;
  }

  /** Undefined unless the network protocol is open or being negotiated. */
  networkState(protocol: number): State | undefined {
    return this.#networks.get(protocol)?.machine.state;
  }

  /** Whether the network protocol is open or being negotiated. */
  hasNetwork(protocol: number): boolean {
    return this.#networks.has(protocol);
  }

  /** The next timer of all parts. May change with every input but `heard`. */
  get deadline(): number {
    if (this.#over) return Number.POSITIVE_INFINITY;
    let deadline = Math.min(this.#lcp.deadline, this.#keepalive.deadline);
    if (this.#authentication !== undefined) deadline = Math.min(deadline, this.#authentication.machine.deadline);
    for (const { machine } of this.#networks.values()) deadline = Math.min(deadline, machine.deadline);
    return deadline;
  }

  // -- Inputs of the owner --------------------------------------------------------------------------------------------

  /** The lower layer is up. */
  up(now: number): void {
    if (this.#over || this.#phase !== 'dead') return;
    this.#phase = 'establish';
    this.#lcp.start(now);
    this.settle(now);
  }

  /** The lower layer is gone: nothing is sent, nothing but `networkClosed` is reported. */
  lowerDown(): void {
    this.#closeNetworks();
    this.#stop();
  }

  heard(now: number): void {
    this.#keepalive.heard(now);
  }

  receive(protocol: number, information: Uint8Array, now: number): void {
    // What is longer than all that we send could not be answered in full.
    if (this.#over || this.#phase === 'dead' || information.length > MAX_INFORMATION_LENGTH) return;
    this.#keepalive.heard(now);
    if (protocol === PppProtocol.Lcp) this.#lcp.receive(information, now);
    else this.#dispatch(protocol, information, now);
    this.settle(now);
  }

  /** Ends the link in order: Terminate-Request, and `ended` when it is answered or nobody answers. */
  terminate(reason: PppEndReason, now: number): void {
    this.end(reason);
    this.settle(now);
  }

  handleTimeout(now: number): void {
    if (this.#over) return;
    this.#lcp.handleTimeout(now);
    this.#authentication?.machine.handleTimeout(now);
    for (const { machine } of this.#networks.values()) machine.handleTimeout(now);
    this.#handleKeepalive(now);
    this.settle(now);
  }

  // -- Inputs of the role ---------------------------------------------------------------------------------------------

  /** Notes why the link is to end. Acted upon in `settle`. */
  end(reason: PppEndReason): void {
    this.#endReason ??= reason;
  }

  /** LCP is to be negotiated anew, after which authentication starts over. Acted upon in `settle`. */
  renegotiate(): void {
    this.#isRenegotiating = true;
  }

  /** How the peer described itself. */
  get identification(): readonly string[] {
    return this.#lcp.identification;
  }

  /** Authentication has succeeded: negotiates the network protocols, given by PPP protocol number. */
  enterNetwork(policies: ReadonlyMap<number, OptionPolicy>, now: number): void {
    if (this.#phase !== 'authenticate' || this.#endReason !== undefined) return;
    this.#phase = 'network';
    for (const [protocol, policy] of policies) {
      const machine = this.#newNetwork(protocol, policy);
      this.#networks.set(protocol, { machine, dropped: undefined });
    }
    for (const { machine } of this.#networks.values()) machine.start(now);
    if (this.#networks.size === 0) this.end('no-network-protocol');
  }

  /** Acts upon what the parts have reported. A role calls it at the end of each input of its own. */
  settle(now: number): void {
    if (this.#over) return;
    if (this.#isRenegotiating && this.#endReason === undefined) this.#lcp.restart(now);
    this.#isRenegotiating = false;
    this.#dropNetworks();
    // At rest LCP could be talked into a new negotiation, but a link of SSTP does not outlive its first one.
    if (this.#lcpFinished) this.end(this.#policy.failure);
    if (this.#endReason === undefined) return;
    this.#enterTermination(now);
    // Closing an automaton that was not yet started, or that rests already, finishes without a packet.
    if (this.#lcpFinished || this.#lcp.state <= State.Stopped) this.#finish(this.#endReason);
  }

  // -- Phases ---------------------------------------------------------------------------------------------------------

  #enterTermination(now: number): void {
    if (this.#phase === 'terminate') return;
    this.#phase = 'terminate';
    this.#keepalive.stop();
    this.#authentication = undefined;
    this.#closeNetworks();
    this.#lcp.close(now);
  }

  #finish(reason: PppEndReason): void {
    this.#closeNetworks();
    this.#stop();
    this.#role.ended(reason);
  }

  #stop(): void {
    this.#over = true;
    this.#phase = 'dead';
    this.#keepalive.stop();
    this.#authentication = undefined;
  }

  #closeNetworks(): void {
    for (const { machine } of this.#networks.values()) machine.lowerDown();
    this.#networks.clear();
  }

  /** The link lives as long as one network protocol does. */
  #dropNetworks(): void {
    for (const [protocol, { machine, dropped }] of this.#networks) {
      if (dropped === undefined) continue;
      machine.lowerDown();
      this.#networks.delete(protocol);
      if (this.#networks.size === 0) this.end(dropped);
    }
  }

  #handleKeepalive(now: number): void {
    const due = this.#keepalive.handleTimeout(now);
    if (due === 'send') this.#lcp.sendEchoRequest();
    else if (due === 'lost') this.end('echo-timeout');
  }

  // -- Which protocol may speak ---------------------------------------------------------------------------------------

  /** Everything but LCP. In the wrong phase it is discarded in silence, RFC 1661 3.4 and 3.5. */
  #dispatch(protocol: number, information: Uint8Array, now: number): void {
    if (this.#phase !== 'authenticate' && this.#phase !== 'network') return;
    if (protocol === this.#authentication?.protocol) return this.#authentication.machine.receive(information, now);
    if (this.#phase !== 'network' || AUTHENTICATION.has(protocol)) return;
    const network = this.#networks.get(protocol);
    if (network !== undefined) network.machine.receive(information, now);
    else this.#rejectProtocol(protocol, information);
  }

  /** Windows and pppd repeat the requests of a protocol that is not rejected until they give up the whole link. */
  #rejectProtocol(protocol: number, information: Uint8Array): void {
    if (!isControlProtocol(protocol)) {
      if (protocol === PppProtocol.Ipv4 || this.#rejectedData.has(protocol)) return;
      this.#rejectedData.add(protocol);
    }
    this.#lcp.sendProtocolReject(protocol, information);
  }

  // -- Parts ----------------------------------------------------------------------------------------------------------

  #newLcp(): Lcp {
    return new Lcp(
      this.#policy,
      {
        send: information => this.#role.sendFrame(PppProtocol.Lcp, information),
        opened: now => this.#lcpOpened(now),
        closed: () => this.#lcpClosed(),
        finished: () => {
          this.#lcpFinished = true;
        },
        failed: reason => this.end(reason),
        terminating: () => this.end('peer-terminate'),
        protocolRejected: protocol => this.#protocolRejected(protocol),
      },
      this.#options.lcpRestart,
    );
  }

  #lcpOpened(now: number): void {
    this.#phase = 'authenticate';
    this.#keepalive.start(now);
    this.#authentication = this.#role.newAuthentication(now);
    this.#authentication.machine.start(now);
  }

  #lcpClosed(): void {
    const refusal = this.#isRenegotiating ? undefined : this.#closure();
    if (refusal !== undefined) this.end(refusal);
    if (this.#phase !== 'terminate') this.#phase = 'establish';
    this.#keepalive.stop();
    this.#authentication = undefined;
    this.#closeNetworks();
  }

  /** Why LCP that the peer closed means the end, if it does. */
  #closure(): PppEndReason | undefined {
    const isNegotiated = this.#lcp.state === State.ReqSent || this.#lcp.state === State.AckSent;
    return isNegotiated ? this.#role.refuseRenegotiation() : this.#policy.failure;
  }

  #protocolRejected(protocol: number): void {
    if (protocol === this.#authentication?.protocol) this.end('auth-refused');
    else this.#drop(protocol, 'no-network-protocol');
  }

  #drop(protocol: number, reason: PppEndReason): void {
    const network = this.#networks.get(protocol);
    if (network !== undefined) network.dropped ??= reason;
  }

  #newNetwork(protocol: number, policy: OptionPolicy): ControlProtocol {
    // One that gave up at its opening closes without having been open.
    let isOpen = false;
    return new ControlProtocol(
      policy,
      {
        send: information => this.#role.sendFrame(protocol, information),
        opened: () => {
          isOpen = true;
          this.#role.networkOpened(protocol);
        },
        closed: () => {
          if (isOpen) this.#role.networkClosed(protocol);
          isOpen = false;
        },
        finished: () => this.#drop(protocol, policy.failure),
        failed: reason => this.#drop(protocol, reason),
        terminating: () => this.#drop(protocol, 'no-network-protocol'),
      },
      this.#options.networkRestart,
      () => this.#policy.transmitLimit,
    );
  }
}
