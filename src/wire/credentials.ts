// Where PPP frames carry what proves who somebody is: PAP, CHAP and EAP, and an LCP Protocol-Reject, which repeats the frame that
// it refuses (RFC 1661 5.7). Challenges count: with the response to one, a password can be searched for.
import { ControlCode, CP_HEADER_LENGTH } from './control-protocol.ts';
import { parsePppFrame, PppProtocol } from './ppp.ts';
import { isWireError } from './wire-error.ts';

/** Rejected-Protocol. */
const REJECTED_LENGTH = 2;
const EAP_TYPE_LENGTH = 1;

/**
 * The offset from which the PPP frame in `[at, end)` is to be kept from others, `end` when it may be shown as it is. What stays in front
 * tells which step of which method it is: code, identifier, length and EAP's type.
 */
export function credentialsAt(view: DataView, at: number, end: number): number {
  const frame = parsePppFrame(view, at, end);
  if (isWireError(frame)) return end;
  return Math.min(end, frame.at + shownLength(view, frame.protocol, frame.at, frame.end));
}

function shownLength(view: DataView, protocol: number, at: number, end: number): number {
  switch (protocol) {
    case PppProtocol.Pap:
    case PppProtocol.Chap:
      return CP_HEADER_LENGTH;
    case PppProtocol.Eap:
      return CP_HEADER_LENGTH + EAP_TYPE_LENGTH;
    case PppProtocol.Lcp: {
      const rejected = at + CP_HEADER_LENGTH;
      const isReject = end - rejected >= REJECTED_LENGTH && view.getUint8(at) === ControlCode.ProtocolReject;
      if (!isReject) return end - at;
      // The copy lacks the header in front of its protocol, and is cut at the peer's MRU.
      return (
        rejected - at + REJECTED_LENGTH + shownLength(view, view.getUint16(rejected), rejected + REJECTED_LENGTH, end)
      );
    }
    default:
      return end - at;
  }
}
