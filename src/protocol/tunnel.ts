/**
 * The join of one SSTP call and one PPP link, whose two ends `ServerTunnel` and `ClientTunnel` are. Sans-io: packets, frames
 * and time come in, packets and events go out.
 *
 * Neither machine may be called back from inside an effect of its own, yet each one's effects are often the other one's
 * inputs (an answer to Call Connect starts LCP; a verdict verifies the crypto binding, whose failure takes PPP down). So
 * effects that concern the other machine are put off until the input that caused them has returned: every public
 * input ends with `settle`.
 */
import { encodeDataPacket, isControlProtocol } from '../wire/ppp.ts';
import type { TunnelEndReason } from './end-reason.ts';
import type { PppEndReason } from './ppp/end-reason.ts';
import type { NetworkFamily, OpenNetwork } from './ppp/credentials.ts';
import type { SstpCall, SstpOutput } from './sstp/call.ts';

/**
 * negotiating: SSTP only. authenticating: PPP runs, which includes LCP and the NCPs. up: data flows. closing: an orderly end
 * is on its way. closed: nothing is sent or received any more.
 */
export type TunnelState = 'negotiating' | 'authenticating' | 'up' | 'closing' | 'closed';

/** Effects of a tunnel. No method may call back into the tunnel: the owner acts after the input has returned. */
export interface TunnelOutput {
  /** One whole SSTP packet in a buffer of its own: control, or data with a PPP control frame. */
  send(packet: Uint8Array): void;
  /**
   * The SSTP call is connected and a network protocol is open: data frames may flow. Once, and `networkUp` follows for each
   * that is. `peerMru`: bytes of the longest IP packet to send.
   */
  up(peerMru: number, networks: readonly OpenNetwork[]): void;
  /** Packets of this family pass from now on: in the turn of `up`, or later, or again. */
  networkUp(network: OpenNetwork): void;
  /** They do no more, but the tunnel goes on. Its end takes the networks along without a word. */
  networkDown(family: NetworkFamily): void;
  /** An orderly end begins, and data stops flowing. At most once, not for an end without farewell. */
  closing(reason: TunnelEndReason): void;
  /** Close the HTTPS connection. Once, and never after `disconnected()`. The last thing that a tunnel does. */
  close(reason: TunnelEndReason): void;
}

/** What a tunnel needs of its PPP machine, server or client. */
export interface PppLink {
  readonly deadline: number;
  /** Why the link is ending or has ended: known before the farewell that `ended` waits for. */
  readonly endReason: PppEndReason | undefined;
  up(now: number): void;
  receive(protocol: number, information: Uint8Array, now: number): void;
  heard(now: number): void;
  /** LCP Terminate-Request; `ended` follows within a few seconds, whatever the peer does. */
  terminate(reason: PppEndReason, now: number): void;
  handleTimeout(now: number): void;
  /** Cleans up; sends nothing, and `ended` does not follow. */
  lowerDown(): void;
}

export abstract class Tunnel {
  protected abstract readonly call: SstpCall<string, string>;
  protected abstract readonly ppp: PppLink;
  readonly #output: TunnelOutput;
  #state: TunnelState = 'negotiating';
  #reason: TunnelEndReason | undefined;
  #pppIsUp = false;
  #callIsConnected = false;
  readonly #networks = new Map<NetworkFamily, { readonly network: OpenNetwork; announced: boolean }>();
  #peerMru = 0;
  #pending: ((now: number) => void)[] = [];

  protected constructor(output: TunnelOutput) {
    this.#output = output;
  }

  get state(): TunnelState {
    return this.#state;
  }

  /** Why the tunnel is ending or has ended; undefined while it is not, and after `disconnected()` on a healthy tunnel. */
  get endReason(): TunnelEndReason | undefined {
    return this.#reason;
  }

  /** Whether IP packets pass, in either direction. */
  get passesData(): boolean {
    return this.#state === 'up' && this.#networks.size > 0;
  }

  /** Whether IP packets of this family do. */
  passes(family: NetworkFamily): boolean {
    return this.#state === 'up' && this.#networks.has(family);
  }

  /** When `handleTimeout` is due, in the owner's monotonic milliseconds. May change with every input but `heard`. */
  get deadline(): number {
    return Math.min(this.call.deadline, this.ppp.deadline);
  }

  /** One whole SSTP control packet. It may be a view of a buffer that is reused afterwards. */
  receiveControl(packet: Uint8Array, now: number): void {
    this.heard(now);
    this.call.receiveControl(packet, now);
    this.settle(now);
  }

  /** The information field of one PPP frame, any protocol but those that take the packet path. Views are fine here too. */
  receiveFrame(protocol: number, information: Uint8Array, now: number): void {
    this.heard(now);
    if (!this.#passesFrame(protocol)) return;
    this.ppp.receive(protocol, information, now);
    this.settle(now);
  }

  /** Any packet arrived. Only notes the time: cheap enough for every chunk of data. */
  heard(now: number): void {
    this.call.heard(now);
    this.ppp.heard(now);
  }

  /** Ends the tunnel in good order: LCP Terminate where PPP runs, then Call Disconnect. Nothing happens when it is ending. */
  end(reason: TunnelEndReason, now: number): void {
    if (!this.beginEnd(reason)) return;
    if (this.#pppIsUp) this.ppp.terminate('terminated', now);
    else this.call.disconnect(now);
    this.settle(now);
  }

  handleTimeout(now: number): void {
    this.call.handleTimeout(now);
    this.settle(now);
    this.ppp.handleTimeout(now);
    this.settle(now);
  }

  /** The HTTPS connection is gone, or given up: cleans up at once. Nothing is sent and no output is called any more. */
  disconnected(): void {
    this.#state = 'closed';
    this.call.disconnected();
    this.#lowerPpp();
    this.#pending = [];
  }

  /** What the SSTP call does in this tunnel. */
  protected callOutput(): SstpOutput {
    return {
      sendControl: packet => this.#output.send(packet),
      lowerLinkUp: () =>
        this.defer(now => {
          this.#state = 'authenticating';
          this.#pppIsUp = true;
          this.ppp.up(now);
        }),
      callConnected: () => {
        this.#callIsConnected = true;
        this.defer(() => this.#announce());
      },
      lowerLinkDown: () => this.defer(() => this.#lowerPpp()),
      closing: reason => {
        this.beginEnd(reason);
        this.defer(() => this.#lowerPpp());
      },
      closeConnection: reason => {
        // Without a `closing` before it when the call ends without farewell.
        this.#reason ??= reason;
        this.defer(() => this.#close());
      },
    };
  }

  /** What both kinds of PPP machine do in this tunnel. */
  protected pppOutput(): {
    sendFrame(protocol: number, information: Uint8Array): void;
    networkUp(network: OpenNetwork, peerMru: number): void;
    networkDown(family: NetworkFamily): void;
    ended(reason: PppEndReason): void;
  } {
    return {
      sendFrame: (protocol, information) => {
        if (this.#passesFrame(protocol)) this.#output.send(encodeDataPacket(protocol, information));
      },
      networkUp: (network, peerMru) => {
        this.#networks.set(network.family, { network, announced: false });
        this.#peerMru = peerMru;
        this.defer(() => this.#announce());
      },
      networkDown: family => {
        const wasAnnounced = this.#networks.get(family)?.announced === true;
        this.#networks.delete(family);
        if (wasAnnounced && this.#state === 'up' && this.ppp.endReason === undefined) this.#output.networkDown(family);
      },
      ended: reason => {
        this.beginEnd(reason);
        this.defer(now => this.call.disconnect(now));
      },
    };
  }

  /**
   * An orderly end begins because of `reason`, and whatever ends the tunnel meanwhile does not replace it. False when the
   * tunnel is ending or has ended already.
   */
  protected beginEnd(reason: TunnelEndReason): boolean {
    if (this.#state === 'closing' || this.#state === 'closed') return false;
    this.#state = 'closing';
    this.#reason = reason;
    this.#output.closing(reason);
    return true;
  }

  /** Puts an effect on the other machine off until the present input has returned. */
  protected defer(step: (now: number) => void): void {
    this.#pending.push(step);
  }

  protected settle(now: number): void {
    // A peer that leaves without waiting for PPP's farewell must not hide why PPP began it.
    if (this.ppp.endReason !== undefined) this.beginEnd(this.ppp.endReason);
    for (let step = this.#pending.shift(); step !== undefined; step = this.#pending.shift()) step(now);
  }

  #announce(): void {
    if (!this.#callIsConnected || this.#networks.size === 0) return;
    if (this.#state === 'authenticating') {
      this.#state = 'up';
      this.#output.up(
        this.#peerMru,
        Array.from(this.#networks.values(), ({ network }) => network),
      );
    }
    if (this.#state !== 'up') return;
    for (const opened of this.#networks.values()) {
      if (opened.announced) continue;
      opened.announced = true;
      this.#output.networkUp(opened.network);
    }
  }

  #lowerPpp(): void {
    if (!this.#pppIsUp) return;
    this.#pppIsUp = false;
    this.ppp.lowerDown();
  }

  #close(): void {
    if (this.#reason === undefined) throw new Error('a tunnel closes for a reason');
    this.#state = 'closed';
    this.#output.close(this.#reason);
  }

  /** The frame filter of MS-SSTP 3.1.7.1, equal in both directions. */
  #passesFrame(protocol: number): boolean {
    return isControlProtocol(protocol) ? this.call.passesControlFrames : this.call.passesDataFrames;
  }
}
