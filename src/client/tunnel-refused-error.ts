import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { AuthFailure } from '../protocol/ppp/auth-peer.ts';
import { describeEnd } from './end-message.ts';

/** The tunnel did not come up. */
export class TunnelRefusedError extends Error {
  override readonly name = 'TunnelRefusedError';
  readonly reason: TunnelEndReason;
  /** What the server said when the reason is `auth-failed`. */
  readonly authFailure: AuthFailure | undefined;

  constructor(reason: TunnelEndReason, authFailure?: AuthFailure) {
    super(`the tunnel did not come up: ${describeEnd(reason, authFailure)}`);
    this.reason = reason;
    this.authFailure = authFailure;
  }
}
