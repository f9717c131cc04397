// Domain names as DNS writes them (RFC 1035 3.1), uncompressed: a list is name behind name. As DHCP (RFC 3397) and DHCPv6 (RFC 3646) send
// search lists.
import { encodeText } from './text.ts';

const MAX_LABEL_LENGTH = 63;
const MAX_NAME_LENGTH = 255;

/** Throws RangeError for a name that DNS cannot write; a dot at its end means nothing. */
export function encodeDomainNames(names: readonly string[]): Uint8Array {
  return Uint8Array.from(names.flatMap(name => encodeDomainName(name)));
}

function encodeDomainName(name: string): number[] {
  const labels = name.replace(/\.$/, '').split('.').map(encodeText);
  const bytes = [...labels.flatMap(label => [label.length, ...label]), 0];
  const isGood = labels.every(label => label.length > 0 && label.length <= MAX_LABEL_LENGTH);
  if (!isGood || bytes.length > MAX_NAME_LENGTH) throw new RangeError(`${name} is no domain name`);
  return bytes;
}
