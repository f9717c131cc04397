// Whatever a peer sends, a parser answers: with a value, a WireError, or undefined, but never by throwing.
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  parseChapMessage,
  parseChapValue,
  parseMsChapV2Failure,
  parseMsChapV2Response,
  parseMsChapV2Success,
} from '../../src/wire/chap.ts';
import { decodeCpPacket, parseOptions } from '../../src/wire/control-protocol.ts';
import { parseEapMsChapV2, parseEapPacket } from '../../src/wire/eap.ts';
import { parseIpv4 } from '../../src/wire/ip.ts';
import { parseAddressOption } from '../../src/wire/ipcp.ts';
import {
  parseAuthenticationProtocol,
  parseMagicData,
  parseMagicNumber,
  parseMru,
  parseProtocolReject,
} from '../../src/wire/lcp.ts';
import { parsePapMessage, parsePapRequest } from '../../src/wire/pap.ts';
import {
  parseCryptoBinding,
  parseCryptoBindingRequest,
  parseEncapsulatedProtocolId,
  parseStatusInfo,
} from '../../src/wire/sstp.ts';

describe('hostile input', () => {
  const fields = {
    decodeCpPacket,
    parseAddressOption,
    parseAuthenticationProtocol,
    parseChapMessage,
    parseChapValue,
    parseCryptoBinding,
    parseCryptoBindingRequest,
    parseEapMsChapV2,
    parseEapPacket,
    parseEncapsulatedProtocolId,
    parseMagicData,
    parseMagicNumber,
    parseMru,
    parseMsChapV2Response,
    parseOptions,
    parsePapMessage,
    parsePapRequest,
    parseProtocolReject,
    parseStatusInfo,
  };
  for (const [name, parse] of Object.entries(fields)) {
    test(`${name} takes any bytes`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 128, size: 'max' }), bytes => void parse(bytes)));
    });
  }

  const texts = { parseIpv4, parseMsChapV2Failure, parseMsChapV2Success };
  for (const [name, parse] of Object.entries(texts)) {
    test(`${name} takes any text`, () => {
      fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 128 }), text => void parse(text)));
    });
  }
});
