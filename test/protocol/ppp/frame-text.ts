// A notation for PPP frames that tests can be written and failures read in, both ways:
//
//   lcp confreq 1 mru=1400 auth=c22381 magic=01010101       options by name or two hex digits, values in hex
//   ipcp confnak 2 address=10.0.0.7 dns1=10.0.0.1           addresses dotted
//   lcp echoreq 3 #000000004142                              any other data in hex
//   chap failure 4 "E=691 R=0"                               or as text
//   80fd confreq 1 12=01000060                               any other protocol by its number
import assert from 'node:assert/strict';
import {
  type CpOption,
  decodeCpPacket,
  encodeCpPacket,
  encodeOptions,
  parseOptions,
} from '../../../src/wire/control-protocol.ts';
import { formatIpv4, parseIpv4 } from '../../../src/wire/ip.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';

export interface Frame {
  readonly protocol: number;
  readonly information: Uint8Array;
}

const PROTOCOLS = new Map([
  ['lcp', 0xc021],
  ['pap', 0xc023],
  ['chap', 0xc223],
  ['eap', 0xc227],
  ['ipcp', 0x8021],
  ['ipv6cp', 0x8057],
  ['ccp', 0x80fd],
]);

const CONTROL_CODES = names(
  'confreq confack confnak confrej termreq termack coderej protrej echoreq echorep discard identification timeleft',
);
const CODES = new Map([
  ['pap', names('request ack nak')],
  ['chap', names('challenge response success failure')],
  ['eap', names('request response success failure')],
]);
const CONFIGURE_CODES = 4;

const OPTIONS = new Map([
  [
    'lcp',
    { mru: 1, asyncmap: 2, auth: 3, quality: 4, magic: 5, pfc: 7, acfc: 8, callback: 13, mrru: 17, endpoint: 19 },
  ],
  ['ipcp', { addresses: 1, vj: 2, address: 3, dns1: 129, nbns1: 130, dns2: 131, nbns2: 132 }],
]) as ReadonlyMap<string, Readonly<Record<string, number>>>;
const ADDRESSES = new Set(['address', 'dns1', 'dns2', 'nbns1', 'nbns2']);

export function parseFrame(text: string): Frame {
  const quoted = text.indexOf('"');
  const [protocol = '', codeName = '', id = '', ...rest] = (quoted < 0 ? text : text.slice(0, quoted)).split(/ +/);
  const number = PROTOCOLS.get(protocol) ?? Number.parseInt(protocol, 16);
  const known = (CODES.get(protocol) ?? CONTROL_CODES).indexOf(codeName) + 1;
  const code = known > 0 ? known : Number(codeName);
  assert.ok(Number.isInteger(number) && code > 0, `no frame: ${text}`);
  const fields = rest.filter(word => word !== '');
  const data =
    quoted >= 0
      ? new TextEncoder().encode(text.slice(quoted + 1, text.lastIndexOf('"')))
      : hasOptions(protocol, code)
        ? encodeOptions(fields.map(field => parseOption(protocol, field)))
        : hexBytes(fields.join('').replaceAll('#', ''));
  return { protocol: number, information: encodeCpPacket({ code, id: Number(id), data }) };
}

export function formatFrame({ protocol, information }: Frame): string {
  const name = [...PROTOCOLS].find(([, number]) => number === protocol)?.[0] ?? protocol.toString(16).padStart(4, '0');
  const packet = decodeCpPacket(information);
  if (isWireError(packet)) return `${name} malformed ${hexText(information)}`;
  const code = (CODES.get(name) ?? CONTROL_CODES)[packet.code - 1] ?? String(packet.code);
  return [name, code, packet.id, ...formatData(name, packet.code, packet.data)].join(' ');
}

function formatData(protocol: string, code: number, data: Uint8Array): string[] {
  if (data.length === 0) return [];
  const options = hasOptions(protocol, code) ? parseOptions(data) : undefined;
  if (options !== undefined && !isWireError(options)) return options.map(option => formatOption(protocol, option));
  const isText = CODES.has(protocol) && (protocol === 'pap' ? false : code > 2);
  return [isText ? `"${new TextDecoder().decode(data)}"` : `#${hexText(data)}`];
}

function parseOption(protocol: string, field: string): CpOption {
  const [name = '', value = ''] = field.split('=');
  const type = OPTIONS.get(protocol)?.[name] ?? Number.parseInt(name, 16);
  assert.ok(Number.isInteger(type), `no option: ${field}`);
  if (ADDRESSES.has(name)) return { type, value: hexBytes((parseIpv4(value) ?? 0).toString(16).padStart(8, '0')) };
  return { type, value: name === 'mru' ? hexBytes(Number(value).toString(16).padStart(4, '0')) : hexBytes(value) };
}

function formatOption(protocol: string, { type, value }: CpOption): string {
  const known = Object.entries(OPTIONS.get(protocol) ?? {}).find(([, number]) => number === type)?.[0];
  const name = known ?? type.toString(16).padStart(2, '0');
  if (value.length === 0) return name;
  if (ADDRESSES.has(name) && value.length === 4) return `${name}=${formatIpv4(Number.parseInt(hexText(value), 16))}`;
  return name === 'mru' && value.length === 2
    ? `mru=${Number.parseInt(hexText(value), 16)}`
    : `${name}=${hexText(value)}`;
}

function hasOptions(protocol: string, code: number): boolean {
  return !CODES.has(protocol) && code <= CONFIGURE_CODES;
}

export function hexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function hexBytes(digits: string): Uint8Array {
  assert.match(digits, /^([0-9a-f]{2})*$/, `no hex: ${digits}`);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

function names(list: string): readonly string[] {
  return list.split(' ');
}
