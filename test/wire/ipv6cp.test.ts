import { describe } from 'node:test';
import { interfaceIdOption, parseInterfaceId } from '../../src/wire/ipv6cp.ts';
import { checkFieldCodec } from './codec-contract.ts';
import { hex } from './hex.ts';

describe('IPv6CP', () => {
  checkFieldCodec<bigint>({
    parse: parseInterfaceId,
    encode: id => interfaceIdOption(id).value,
    trailing: 'error',
    shortest: 8,
    vectors: [
      { name: 'an interface identifier', bytes: hex('021122fffe334455'), value: 0x0211_22ff_fe33_4455n },
      { name: 'none yet', bytes: hex('0000000000000000'), value: 0n },
      { name: 'one with the highest bit set', bytes: hex('ffffffffffffffff'), value: 0xffff_ffff_ffff_ffffn },
    ],
  });
});
