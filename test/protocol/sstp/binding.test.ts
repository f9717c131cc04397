/** The crypto binding as a server verifies it and a client builds it, on published examples. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callConnected } from '../../../src/protocol/sstp/binding.ts';
import { SstpClientCall } from '../../../src/protocol/sstp/client-call.ts';
import type { SstpServerCall } from '../../../src/protocol/sstp/server-call.ts';
import { cryptoBinding, HashProtocol, MessageType } from '../../../src/wire/sstp.ts';
import { CallRecorder } from './call-recorder.ts';
import {
  bytes,
  CALL_ABORT,
  CALL_CONNECTED_SHA1,
  CALL_CONNECTED_SHA256,
  certificateHashOf,
  COMPOUND_MAC_AT,
  CONNECT_ACK,
  control,
  flipped,
  HLAK,
  NONCE,
} from './fixtures.ts';
import { connectedPending, NEGOTIATION_MS } from './server-bench.ts';

/** A capture that sstp-client's source quotes. */
const EAP_TLS = {
  origin: 'Windows with EAP-TLS',
  hashProtocol: HashProtocol.Sha256,
  nonce: '388A1ECBF302BA02F9F372CE37488EC3 6B71A28B5E1B19FBE44D5465A631C463',
  hash: '7FF150176FA8E38A1F402D11FF89FF11 B66505AD7F9AE81205277BA4A6B9EF9D',
  hlak: 'BB2C17EDBAA643B3D511EB9848792B7C AB5F5D709FE9BDF89B5DEAF5A8C17DB7',
  mac: 'FE6473C7D183914E483FEA1B12A6E760 A4DA16B62FAB12A0A1E54E0EC325B24E',
};

/** MS-SSTP 4.7, and that capture. */
const PUBLISHED = [
  {
    origin: 'MS-SSTP with SHA-256',
    hashProtocol: HashProtocol.Sha256,
    nonce: '412B489AEBD7ECC7D08966F26BE7CD72 B231A0E9210D7C91B308862B0344C435',
    hash: '7993EF314C493DACE9F02D60E7E61C84 B6690AAFE9D7AEEA92CBBE8AD599422D',
    hlak: '2A1BB40D55AB0F5EF32F06F2B3CC73C4 8FD3FAC41D7A1315A19228D9024CA164',
    mac: '52A68EFD8CFFBF52770B8F0FE8EC7371 6583AF6D611EB6D179B3B20840985449',
  },
  {
    origin: 'MS-SSTP with SHA-1',
    hashProtocol: HashProtocol.Sha1,
    nonce: '0F1A2D58D4A3E3000FAD3CE4906E07B7 07AA9E441CCEAC5CBD7B2CC1C9D86CDF',
    hash: '5826B629BDA59B8E6FD8DCD2622FD34C 534805A5',
    hlak: '4B3128F43925D9006EEFB1C4E86515A1 D88E56BAB3CA2BDF0373B7F5A8A13B19',
    mac: '69915DD583D8062FEF16F61DB2F03290 EC27CB6C',
  },
  EAP_TLS,
] as const;

describe('a server', () => {
  for (const [name, packet] of [
    ['SHA-256', CALL_CONNECTED_SHA256],
    ['SHA-1', CALL_CONNECTED_SHA1],
  ] as const) {
    test(`the published ${name} example stands, and falls with any one bit of it`, () => {
      assert.deepEqual(answerTo(packet), ['callConnected']);
      for (let bit = 12 * 8; bit < packet.length * 8; bit += 1) {
        const damaged = flipped(packet, bit >> 3, 1 << (bit & 7));
        const [first = ''] = answerTo(damaged);
        assert.equal(first, 'CallAbort(3,4)', `bit ${bit & 7} of byte ${bit >> 3}`);
      }
    });
  }

  for (const { origin, hashProtocol, nonce, hash, hlak, mac } of PUBLISHED) {
    test(`accepts the published example of ${origin}`, () => {
      const binding = { hashProtocol, nonce: bytes(nonce), certificateHash: bytes(hash), compoundMac: bytes(mac) };
      const { call, recorder } = connectedPending({ random: () => bytes(nonce), certificateHash: () => bytes(hash) });
      call.authenticated(bytes(hlak), 0);
      call.receiveControl(control(MessageType.CallConnected, cryptoBinding(binding)), 0);
      assert.deepEqual(recorder.take(), ['callConnected']);
    });
  }

  describe('with several keys', () => {
    // What pppd 2.4.9 makes of the 64 bytes of EAP-TLS: it keeps 16 of each half.
    const [published, truncated] = [EAP_TLS.hlak, EAP_TLS.hlak.slice(0, 32) + 'C0FFEE00'.repeat(4)].map(bytes);
    assert.ok(published !== undefined && truncated !== undefined);
    const bound = (key: Uint8Array): Uint8Array =>
      callConnected(HashProtocol.Sha256, bytes(EAP_TLS.nonce), bytes(EAP_TLS.hash), key);
    const answer = (packet: Uint8Array, ...keys: readonly Uint8Array[]): string[] => {
      const [hlak = new Uint8Array(0), ...alternatives] = keys.map(key => key.slice());
      const { call, recorder } = connectedPending({
        random: () => bytes(EAP_TLS.nonce),
        certificateHash: () => bytes(EAP_TLS.hash),
      });
      call.authenticated(hlak, 0, alternatives);
      call.receiveControl(packet, 0);
      assert.ok(
        [hlak, ...alternatives].every(key => key.every(byte => byte === 0)),
        'all are overwritten',
      );
      return recorder.take();
    };
    const mismatch = ['CallAbort(3,4)', 'closing(binding-mac)'];

    test('accepts a binding with any of them, and overwrites all', () => {
      for (const key of [published, truncated]) {
        assert.deepEqual(answer(bound(key), published, truncated), ['callConnected']);
        assert.deepEqual(answer(bound(key), truncated, published), ['callConnected']);
      }
    });

    test('refuses the cut key where only the whole one counts, and one that is neither', () => {
      assert.deepEqual(answer(bound(truncated), published), mismatch);
      assert.deepEqual(answer(bound(new Uint8Array(32)), published, truncated), mismatch);
    });

    test('a key more does not excuse another certificate', () => {
      const elsewhere = callConnected(HashProtocol.Sha256, bytes(EAP_TLS.nonce), new Uint8Array(32), truncated);
      const refusal = ['CallAbort(3,4)', 'closing(binding-certificate)'];
      assert.deepEqual(answer(elsewhere, published, truncated), refusal);
    });

    test('a Call Connected that came before the keys is checked against each of them', () => {
      const { call, recorder } = connectedPending({
        random: () => bytes(EAP_TLS.nonce),
        certificateHash: () => bytes(EAP_TLS.hash),
      });
      call.receiveControl(bound(truncated), 0);
      call.authenticated(published.slice(), 0, [truncated.slice()]);
      assert.deepEqual(recorder.take(), ['callConnected']);
    });

    test('keys that come too late are all overwritten unseen', () => {
      const { call } = connectedPending();
      call.disconnected();
      const keys = [published.slice(), truncated.slice()] as const;
      call.authenticated(keys[0], 0, [keys[1]]);
      assert.ok(keys.every(key => key.every(byte => byte === 0)));
    });
  });

  test('the key of PAP and CHAP is all zeros', () => {
    const mac = bytes('9C3121881609F1AE8C51DAF9777F1138563530F003B410825439A99218F2C5A9');
    const packet = CALL_CONNECTED_SHA256.slice();
    packet.set(mac, COMPOUND_MAC_AT);
    assert.deepEqual(answerTo(packet, { hlak: new Uint8Array(32) }), ['callConnected']);
    assert.deepEqual(answerTo(packet), ['CallAbort(3,4)', 'closing(binding-mac)']);
  });

  test('a hash protocol that was not offered is refused', () => {
    const refusal = ['CallAbort(3,4)', 'closing(binding-hash-protocol)'];
    assert.deepEqual(answerTo(CALL_CONNECTED_SHA256, { hashProtocols: HashProtocol.Sha1 }), refusal);
    assert.deepEqual(answerTo(CALL_CONNECTED_SHA1, { hashProtocols: HashProtocol.Sha256 }), refusal);
    assert.deepEqual(answerTo(CALL_CONNECTED_SHA1, { hashProtocols: HashProtocol.Sha1 }), ['callConnected']);
  });

  test('several faults are reported in the order of the checks', () => {
    let packet = CALL_CONNECTED_SHA1;
    const faultsFromLastToFirst = [
      [COMPOUND_MAC_AT, 'binding-mac'],
      [COMPOUND_MAC_AT + 31, 'binding-padding'],
      [48, 'binding-certificate'],
      [16, 'binding-nonce'],
    ] as const;
    for (const [at, reason] of faultsFromLastToFirst) {
      packet = flipped(packet, at);
      assert.deepEqual(answerTo(packet), ['CallAbort(3,4)', `closing(${reason})`]);
    }
  });

  test('key and nonce are overwritten once the call is connected', () => {
    const nonce = NONCE.slice();
    const hlak = HLAK.slice();
    const { call } = connectedPending({ random: () => nonce });
    call.authenticated(hlak, 0);
    assert.deepEqual(hlak, HLAK);
    call.receiveControl(CALL_CONNECTED_SHA256, 0);
    assert.equal(call.state, 'ServerCallConnected');
    assert.ok(nonce.every(byte => byte === 0) && hlak.every(byte => byte === 0));
  });

  test('key and nonce are overwritten when the call ends before', () => {
    const ways: ((call: SstpServerCall) => void)[] = [
      call => call.disconnected(),
      call => call.disconnect(0),
      call => call.receiveControl(CALL_ABORT, 0),
      call => call.handleTimeout(NEGOTIATION_MS),
    ];
    for (const end of ways) {
      const nonce = NONCE.slice();
      const hlak = HLAK.slice();
      const { call } = connectedPending({ random: () => nonce });
      call.authenticated(hlak, 0);
      end(call);
      assert.ok(nonce.every(byte => byte === 0) && hlak.every(byte => byte === 0));
    }
  });

  test('a key that comes too late is overwritten unseen', () => {
    const { call } = connectedPending();
    call.disconnected();
    const hlak = HLAK.slice();
    call.authenticated(hlak, 0);
    assert.ok(hlak.every(byte => byte === 0));
  });
});

describe('a client', () => {
  for (const [name, hashProtocols, packet] of [
    ['SHA-256 where both sides can', HashProtocol.Sha1 | HashProtocol.Sha256, CALL_CONNECTED_SHA256],
    ['SHA-1 where it must', HashProtocol.Sha1, CALL_CONNECTED_SHA1],
  ] as const) {
    test(`sends the published Call Connected, with ${name}`, () => {
      const recorder = new CallRecorder();
      const call = new SstpClientCall(recorder, {
        hashProtocols,
        certificateHash: certificateHashOf,
        negotiationTimeoutMs: 1_000,
        helloIntervalMs: 1_000,
      });
      call.start(0);
      call.receiveControl(CONNECT_ACK, 0);
      const hlak = HLAK.slice();
      call.authenticated(hlak, 0);
      assert.deepEqual(recorder.sent.at(-1), packet);
      assert.ok(
        hlak.every(byte => byte === 0),
        'the key is overwritten',
      );
    });
  }
});

/** What a server that knows the key does with this Call Connected. */
function answerTo(packet: Uint8Array, { hlak = HLAK, hashProtocols = 3 } = {}): string[] {
  const { call, recorder } = connectedPending({ hashProtocols });
  call.authenticated(hlak.slice(), 0);
  call.receiveControl(packet, 0);
  return recorder.take();
}
