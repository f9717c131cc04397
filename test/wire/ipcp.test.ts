import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { encodeOptions } from '../../src/wire/control-protocol.ts';
import { addressOption, IpcpOption, parseAddressOption } from '../../src/wire/ipcp.ts';
import { checkFieldCodec } from './codec-contract.ts';
import { hex } from './hex.ts';

describe('IPCP options', () => {
  checkFieldCodec<number>({
    parse: parseAddressOption,
    encode: address => addressOption(IpcpOption.IpAddress, address).value,
    trailing: 'error',
    shortest: 4,
    vectors: [
      { name: 'an address', bytes: hex('0A000001'), value: 0x0a000001 },
      { name: 'an address with the highest bit set', bytes: hex('C0A80001'), value: 0xc0a80001 },
      { name: 'no address yet', bytes: hex('00000000'), value: 0 },
    ],
  });

  test('what Windows asks for, as one request', () => {
    const { IpAddress, PrimaryDns, PrimaryNbns, SecondaryDns, SecondaryNbns } = IpcpOption;
    const options = [IpAddress, PrimaryDns, PrimaryNbns, SecondaryDns, SecondaryNbns].map(type =>
      addressOption(type, 0),
    );
    assert.deepEqual(
      encodeOptions(options),
      hex('0306 00000000 8106 00000000 8206 00000000 8306 00000000 8406 00000000'),
    );
  });
});
