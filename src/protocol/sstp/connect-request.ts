/** What a server refuses in a Call Connect Request (MS-SSTP 3.3.5.2.2). */
import {
  AttributeId,
  ENCAPSULATED_PPP,
  MAX_PACKET_LENGTH,
  parseEncapsulatedProtocolId,
  parseStatusInfo,
  Status,
  statusInfo,
  type ControlPacket,
  type RawAttribute,
} from '../../wire/sstp.ts';
import { isWireError } from '../../wire/wire-error.ts';

const CONTROL_HEADER_LENGTH = 8;
const ATTRIBUTE_HEADER_LENGTH = 4;

/**
 * The Status Info attributes of the Call Connect Nak that answers `request`, one for each fault; none when the request is
 * acceptable. A hostile request has room for more faults than a Nak can report, so the list is cut to what fits one packet.
 */
export function refusals(request: ControlPacket): RawAttribute[] {
  const faults: RawAttribute[] = [];
  const seen = new Set<number>();
  for (const attribute of request.attributes) {
    const fault = seen.has(attribute.id) ? duplicate(attribute) : attributeFault(attribute);
    if (fault !== undefined) faults.push(fault);
    seen.add(attribute.id);
  }
  if (!seen.has(AttributeId.EncapsulatedProtocolId)) {
    // 3.3.5.2.2 names Attrib ID 2 here and 2.2.8 names 1, which is the attribute that is missing.
    faults.push(statusInfo(AttributeId.EncapsulatedProtocolId, Status.RequiredAttributeMissing));
  }
  return faults.slice(0, countThatFits(faults));
}

function attributeFault({ id, value }: RawAttribute): RawAttribute | undefined {
  switch (id) {
    case AttributeId.EncapsulatedProtocolId: {
      const protocol = parseEncapsulatedProtocolId(value);
      if (isWireError(protocol)) return statusInfo(id, Status.InvalidAttributeValueLength, value);
      return protocol === ENCAPSULATED_PPP ? undefined : statusInfo(id, Status.ValueNotSupported, value);
    }
    case AttributeId.StatusInfo: {
      const info = parseStatusInfo(value);
      if (isWireError(info)) return statusInfo(id, Status.InvalidAttributeValueLength, value);
      return info.status === Status.NoError ? undefined : statusInfo(id, Status.StatusInfoNotSupportedInMessage);
    }
    default:
      // Crypto Binding and its request too: this message does not know them.
      return statusInfo(id, Status.UnrecognizedAttribute);
  }
}

function duplicate({ id, value }: RawAttribute): RawAttribute {
  const isKnown = id === AttributeId.EncapsulatedProtocolId || id === AttributeId.StatusInfo;
  return isKnown ? statusInfo(id, Status.DuplicateAttribute, value) : statusInfo(id, Status.UnrecognizedAttribute);
}

function countThatFits(attributes: readonly RawAttribute[]): number {
  let length = CONTROL_HEADER_LENGTH;
  for (const [index, { value }] of attributes.entries()) {
    length += ATTRIBUTE_HEADER_LENGTH + value.length;
    if (length > MAX_PACKET_LENGTH) return index;
  }
  return attributes.length;
}
