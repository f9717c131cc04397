/** The gateway's end of a tunnel: SSTP server call and PPP server. */
import type { AuthMethod, Credentials, Verdict } from './ppp/credentials.ts';
import type { PppDescription } from './ppp/description.ts';
import { PppServer, type PppServerOptions } from './ppp/ppp-server.ts';
import { SstpServerCall, type SstpServerOptions } from './sstp/server-call.ts';
import { Tunnel, type TunnelOutput } from './tunnel.ts';
import type { HashProtocol } from '../wire/sstp.ts';

export interface TunnelDescription extends PppDescription {
  /** Of the crypto binding, once that stands. */
  readonly hashProtocol: HashProtocol | undefined;
  /** While SSTP's negotiation timer runs. */
  readonly negotiationDeadline: number | undefined;
}

export interface ServerTunnelOptions {
  readonly sstp: SstpServerOptions;
  readonly ppp: PppServerOptions;
}

export interface ServerTunnelOutput extends TunnelOutput {
  /** The peer wants to prove who it is, or says more to that. Answered by `verdict`, at any later time. */
  verify(credentials: Credentials): void;
  /** The peer was told that it is accepted. */
  authenticated(user: string, method: AuthMethod): void;
}

export class ServerTunnel extends Tunnel {
  protected override readonly call: SstpServerCall;
  protected override readonly ppp: PppServer;

  constructor(output: ServerTunnelOutput, options: ServerTunnelOptions) {
    super(output);
    this.call = new SstpServerCall(this.callOutput(), options.sstp);
    this.ppp = new PppServer(
      {
        ...this.pppOutput(),
        verify: credentials => output.verify(credentials),
        authenticated: (user, method, hlak, alternatives) => {
          output.authenticated(user, method);
          this.defer(now => this.call.authenticated(hlak, now, alternatives));
        },
        // PPP goes on: LCP Terminate follows the failure message, and only then SSTP disconnects. A client whose link
        // just drops shows its user anything but "wrong password".
        authenticationFailed: () => {
          this.beginEnd('auth-failed');
        },
      },
      options.ppp,
    );
  }

  /** Bytes of the longest IP packet that the peer takes, once LCP is open. */
  get peerMru(): number {
    return this.ppp.peerMru;
  }

  /** How the client described itself in LCP: at most four texts of printable ASCII, at most 64 characters each. */
  get identification(): readonly string[] {
    return this.ppp.identification;
  }

  /** What the two ends have agreed on so far. Times are on the owner's clock. */
  describe(): TunnelDescription {
    const { hashProtocol, negotiationDeadline } = this.call;
    return { ...this.ppp.describe(), hashProtocol, negotiationDeadline };
  }

  /** A new HTTPS connection, whose SSTP request has been answered. */
  accept(now: number): void {
    this.call.accept(now);
  }

  /**
   * Answers `verify`. Of no effect when the tunnel has ended meanwhile. The tunnel takes the verdict's keys over and
   * overwrites them with zeros after use.
   */
  verdict(verdict: Verdict, now: number): void {
    this.ppp.verdict(verdict, now);
    this.settle(now);
  }
}
