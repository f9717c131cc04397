import type { AuthMethod, OpenNetwork } from './credentials.ts';

/** What the server's end of a link has negotiated so far. Plain data: it crosses threads by structured clone. */
export interface PppDescription {
  readonly lcp: {
    readonly state: StateName;
    /** Bytes of the longest frame that we asked for. */
    readonly mru: number;
    /** Bytes of the longest frame that the peer takes. */
    readonly peerMru: number;
    /** What was agreed on, once LCP is opened; before that, what it asks for. */
    readonly method: AuthMethod | undefined;
    /** Ours; 0 when the peer did not want to hear of any. */
    readonly magic: number;
    readonly identification: readonly string[];
  };
  /** The network protocols that are open or being negotiated, and what they come to. */
  readonly networks: readonly { readonly state: StateName; readonly network: OpenNetwork }[];
}

/** RFC 1661 4.2, by the numbers of the states. */
export const STATE_NAMES = [
  'initial',
  'starting',
  'closed',
  'stopped',
  'closing',
  'stopping',
  'req-sent',
  'ack-rcvd',
  'ack-sent',
  'opened',
] as const;

type StateName = (typeof STATE_NAMES)[number];
