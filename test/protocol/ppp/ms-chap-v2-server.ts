import { hlakFromMsChapV2 } from '../../../src/crypto/crypto-binding.ts';
import { authenticatorResponse, ntPasswordHash, ntResponse } from '../../../src/crypto/ms-chap-v2.ts';
import { hexText } from './frame-text.ts';

export interface ScriptedExchange {
  /** The value of the Response that a client must send, in hex. */
  readonly response: string;
  /** The `S=` text that proves the server. */
  readonly proof: string;
  /** The first two bytes of the key that both ends derive, in hex. */
  readonly hlakStart: string;
}

/** What a server of alice with password "secret" computes when its challenge and the client's are these repeated bytes. */
export function scriptedExchange(authenticatorByte: number, peerByte: number): ScriptedExchange {
  const exchange = {
    user: 'alice',
    authenticatorChallenge: new Uint8Array(16).fill(authenticatorByte),
    peerChallenge: new Uint8Array(16).fill(peerByte),
  };
  const hash = ntPasswordHash('secret');
  const nt = ntResponse(hash, exchange);
  return {
    response: `31${hexText(exchange.peerChallenge)}${'00'.repeat(8)}${hexText(nt)}00`,
    proof: authenticatorResponse(hash, nt, exchange),
    hlakStart: hexText(hlakFromMsChapV2(hash, nt).subarray(0, 2)),
  };
}
