/** The client's end of a tunnel: SSTP client call and PPP client. */
import type { NetworkFamily } from './ppp/credentials.ts';
import type { AuthFailure } from './ppp/auth-peer.ts';
import { PppClient, type PppClientOptions } from './ppp/ppp-client.ts';
import { SstpClientCall, type SstpClientOptions } from './sstp/client-call.ts';
import { Tunnel, type TunnelOutput } from './tunnel.ts';

export interface ClientTunnelOptions {
  readonly sstp: SstpClientOptions;
  readonly ppp: PppClientOptions;
}

export type ClientTunnelOutput = TunnelOutput;

export class ClientTunnel extends Tunnel {
  protected override readonly call: SstpClientCall;
  protected override readonly ppp: PppClient;

  constructor(output: ClientTunnelOutput, options: ClientTunnelOptions) {
    super(output);
    this.call = new SstpClientCall(this.callOutput(), options.sstp);
    this.ppp = new PppClient(
      {
        ...this.pppOutput(),
        // At once, so that Call Connected goes out ahead of the first IPCP frame, as it does from Windows. The call is idle
        // while PPP works, and has nothing to tell PPP in return.
        authenticated: (hlak, now) => this.call.authenticated(hlak, now),
      },
      options.ppp,
    );
  }

  /** What the server said when it refused us: set before `closing` with `auth-failed`. */
  get authFailure(): AuthFailure | undefined {
    return this.ppp.authFailure;
  }

  /** Whether packets of this family pass, or may still come to. */
  mayPass(family: NetworkFamily): boolean {
    return this.ppp.mayHave(family);
  }

  /** The HTTPS connection stands: sends Call Connect Request. */
  start(now: number): void {
    this.call.start(now);
  }
}
