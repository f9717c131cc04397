import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import {
  certificateHash,
  compoundMac,
  compoundMacKey,
  hlakFromMsChapV2,
  HLAK_LENGTH,
  ZERO_HLAK,
} from '../../src/crypto/crypto-binding.ts';
import { cryptoBinding, encodeControlPacket, HashProtocol, MessageType } from '../../src/wire/sstp.ts';
import { counting, hex } from '../wire/hex.ts';

interface Vector {
  readonly name: string;
  readonly hashProtocol: HashProtocol;
  readonly nonce: Uint8Array;
  readonly certificateHash: Uint8Array;
  readonly hlak: Uint8Array;
  readonly cmk: Uint8Array;
  readonly mac: Uint8Array;
}

// RFC 2759 9.2, as everywhere.
const NT_HASH = hex('44EBBA8D5312B8D611474411F56989AE');
const NT_RESPONSE = hex('82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF');
const HLAK = hex('D5F0E9521E3EA9589645E86051C82226 8B7CDC149B993A1BA118CB153F56DCCB');
const CERTIFICATE = hex('30826578616D706C652D6465722D6365727469666963617465');
const SHA256_CERTIFICATE_HASH = hex('5F07A5D0402606B52AD05294D6BA2E515D12F686B69315EF741A1AEBC99E2F72');
const SHA1_CERTIFICATE_HASH = hex('5746399EF1D604CD985C922C1A3202EB7FAAEEC5');

const VECTORS: readonly Vector[] = [
  {
    name: 'MS-SSTP 4.7, SHA-256',
    hashProtocol: HashProtocol.Sha256,
    nonce: hex('412B489AEBD7ECC7D08966F26BE7CD72B231A0E9210D7C91B308862B0344C435'),
    certificateHash: hex('7993EF314C493DACE9F02D60E7E61C84B6690AAFE9D7AEEA92CBBE8AD599422D'),
    hlak: hex('2A1BB40D55AB0F5EF32F06F2B3CC73C48FD3FAC41D7A1315A19228D9024CA164'),
    cmk: hex('ECF59AC9FE155CF0A9E7D66ADC1B363C1AD7BA91A9217F0CEC2A534298828DF6'),
    mac: hex('52A68EFD8CFFBF52770B8F0FE8EC73716583AF6D611EB6D179B3B20840985449'),
  },
  {
    name: 'MS-SSTP 4.7, SHA-1',
    hashProtocol: HashProtocol.Sha1,
    nonce: hex('0F1A2D58D4A3E3000FAD3CE4906E07B707AA9E441CCEAC5CBD7B2CC1C9D86CDF'),
    certificateHash: hex('5826B629BDA59B8E6FD8DCD2622FD34C534805A5'),
    hlak: hex('4B3128F43925D9006EEFB1C4E86515A1D88E56BAB3CA2BDF0373B7F5A8A13B19'),
    cmk: hex('A98B862A38CC7E224B42CD128586ACB22F0BD1E9'),
    mac: hex('69915DD583D8062FEF16F61DB2F03290EC27CB6C'),
  },
  {
    name: 'EAP-TLS between Windows 8.1 and Server 2019',
    hashProtocol: HashProtocol.Sha256,
    nonce: hex('388A1ECBF302BA02F9F372CE37488EC36B71A28B5E1B19FBE44D5465A631C463'),
    certificateHash: hex('7FF150176FA8E38A1F402D11FF89FF11B66505AD7F9AE81205277BA4A6B9EF9D'),
    hlak: hex('BB2C17EDBAA643B3D511EB9848792B7CAB5F5D709FE9BDF89B5DEAF5A8C17DB7'),
    cmk: hex('8BEC8243ED1D4E115DF606DF5042BE07946294375498F857F6612567C3C63592'),
    mac: hex('FE6473C7D183914E483FEA1B12A6E760A4DA16B62FAB12A0A1E54E0EC325B24E'),
  },
  {
    name: 'MS-CHAPv2, SHA-256',
    hashProtocol: HashProtocol.Sha256,
    nonce: counting(32),
    certificateHash: SHA256_CERTIFICATE_HASH,
    hlak: HLAK,
    cmk: hex('150707E682B16F4CA9430560C562894AFD10050DB4182D35C3E9E06284445271'),
    mac: hex('42838818026F62C6A058755EC1D0AB698460F2787DCC6D9FF0684CF09838B24A'),
  },
  {
    name: 'MS-CHAPv2, SHA-1',
    hashProtocol: HashProtocol.Sha1,
    nonce: counting(32),
    certificateHash: SHA1_CERTIFICATE_HASH,
    hlak: HLAK,
    cmk: hex('3AFBFF0BA79DD9743BD09949FA99F9D0C92D3698'),
    mac: hex('BCFE2681ECDD0F4803E93168D660FD953DBF1107'),
  },
  {
    name: 'no key, SHA-256',
    hashProtocol: HashProtocol.Sha256,
    nonce: counting(32),
    certificateHash: SHA256_CERTIFICATE_HASH,
    hlak: ZERO_HLAK,
    cmk: hex('D342EB00477D6A37E1A184FB0168CB3EA3B6645FA0F227904D20EEF5CB8F9327'),
    mac: hex('9C3121881609F1AE8C51DAF9777F1138563530F003B410825439A99218F2C5A9'),
  },
  {
    name: 'no key, SHA-1',
    hashProtocol: HashProtocol.Sha1,
    nonce: counting(32),
    certificateHash: SHA1_CERTIFICATE_HASH,
    hlak: ZERO_HLAK,
    cmk: hex('AE571EDE1E11EFB7BB85B8B4F07E15F0E086761A'),
    mac: hex('D6C13626155B578BB700514636E54F23CB4CAA61'),
  },
];

describe('the crypto binding', () => {
  for (const vector of VECTORS) {
    test(`${vector.name}: compound MAC key`, () => {
      assert.deepEqual(compoundMacKey(vector.hashProtocol, vector.hlak), vector.cmk);
    });

    test(`${vector.name}: compound MAC over the packet without it`, () => {
      const packet = callConnected(vector, new Uint8Array(vector.mac.length));
      assert.deepEqual(compoundMac(vector.hashProtocol, vector.hlak, packet), vector.mac);
    });

    test(`${vector.name}: compound MAC over the packet that carries it, which stays as it is`, () => {
      const packet = callConnected(vector, vector.mac);
      const before = packet.slice();
      assert.deepEqual(compoundMac(vector.hashProtocol, vector.hlak, packet), vector.mac);
      assert.deepEqual(packet, before);
    });

    test(`${vector.name}: every byte in front of the MAC counts, reserved ones too`, () => {
      const packet = callConnected(vector, vector.mac);
      for (let at = 0; at < 80; at++) {
        const altered = packet.slice();
        altered[at]! ^= 0x80;
        assert.notDeepEqual(compoundMac(vector.hashProtocol, vector.hlak, altered), vector.mac, `byte ${at}`);
      }
    });
  }

  test('the key of MS-CHAPv2 is what the client sends with and then what it receives with', () => {
    assert.deepEqual(hlakFromMsChapV2(NT_HASH, NT_RESPONSE), HLAK);
    assert.equal(HLAK.length, HLAK_LENGTH);
  });

  test('the certificate hash is over the DER bytes', () => {
    assert.deepEqual(certificateHash(HashProtocol.Sha256, CERTIFICATE), SHA256_CERTIFICATE_HASH);
    assert.deepEqual(certificateHash(HashProtocol.Sha1, CERTIFICATE), SHA1_CERTIFICATE_HASH);
  });

  test('the packet may lie anywhere in its buffer, and may be too short to be one', () => {
    const [vector] = VECTORS;
    assert.ok(vector !== undefined);
    const buffer = new Uint8Array(200).fill(0xaa);
    buffer.set(callConnected(vector, vector.mac), 40);
    assert.deepEqual(compoundMac(vector.hashProtocol, vector.hlak, buffer.subarray(40, 152)), vector.mac);
    assert.equal(compoundMac(vector.hashProtocol, vector.hlak, new Uint8Array(8)).length, 32);
  });
});

function callConnected({ hashProtocol, nonce, certificateHash }: Vector, compoundMac: Uint8Array): Uint8Array {
  const binding = { hashProtocol, nonce, certificateHash, compoundMac };
  return encodeControlPacket({ type: MessageType.CallConnected, attributes: [cryptoBinding(binding)] });
}
