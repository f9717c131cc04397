/** What a Disconnect-Request or CoA-Request asks for, or why it is refused (RFC 5176 3). */
import {
  RadiusAttribute,
  RadiusCode,
  RadiusVendor,
  readInteger,
  readIpv6Address,
  vendorAttributes,
  type Attribute,
  type RadiusPacket,
} from '../../wire/radius.ts';
import { decodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { RadiusOptions } from '../../config/radius-options.ts';
import { isSessionAttribute, readSelector, type SessionSelector } from './session-selector.ts';

/** Error-Cause, RFC 5176 3.5. */
export const ErrorCause = {
  UnsupportedAttribute: 401,
  MissingAttribute: 402,
  NasIdentificationMismatch: 403,
  UnsupportedService: 405,
  InvalidAttributeValue: 407,
  AdministrativelyProhibited: 501,
  SessionContextNotFound: 503,
  MultipleSessionSelectionUnsupported: 508,
} as const;
export type ErrorCause = (typeof ErrorCause)[keyof typeof ErrorCause];

export type DynamicRequest =
  | { readonly kind: 'disconnect'; readonly selector: SessionSelector }
  | { readonly kind: 'change'; readonly selector: SessionSelector; readonly changes: readonly Attribute[] };

/** Say nothing about the session nor about what is to become of it. */
const ENVELOPE: ReadonlySet<number> = new Set([
  RadiusAttribute.ProxyState,
  RadiusAttribute.MessageAuthenticator,
  RadiusAttribute.EventTimestamp,
]);

/** Allowed in a Disconnect-Request for the user's and the server's sake. */
const DISCONNECT_NOTES: ReadonlySet<number> = new Set([
  RadiusAttribute.ReplyMessage,
  RadiusAttribute.Class,
  RadiusAttribute.AcctTerminateCause,
]);

/** Needs no renegotiation of PPP. Addresses are not among them: as session attributes they have to be what the session has. */
const CHANGES: ReadonlySet<number> = new Set([
  RadiusAttribute.FilterId,
  RadiusAttribute.FramedRoute,
  RadiusAttribute.FramedIpv6Route,
  RadiusAttribute.Class,
  RadiusAttribute.SessionTimeout,
  RadiusAttribute.IdleTimeout,
  RadiusAttribute.AcctInterimInterval,
]);

/** Rates, by vendor and type. */
const VENDOR_CHANGES: ReadonlySet<string> = new Set([
  `${RadiusVendor.Mikrotik}/8`,
  `${RadiusVendor.Wispr}/7`,
  `${RadiusVendor.Wispr}/8`,
  `${RadiusVendor.Cisco}/1`,
]);

const SERVICE_TYPE_FRAMED = 2;

/** `packet`: a Disconnect-Request or CoA-Request whose sender is known to be who it says. */
export function readDynamicRequest(packet: RadiusPacket, options: RadiusOptions): DynamicRequest | ErrorCause {
  const identity: Attribute[] = [];
  const rest: Attribute[] = [];
  for (const attribute of packet.attributes) {
    if (ENVELOPE.has(attribute.type)) continue;
    const isOurs = matchesNas(attribute, options);
    if (isOurs === false) return ErrorCause.NasIdentificationMismatch;
    if (isOurs === true) continue;
    if (isSessionAttribute(attribute)) identity.push(attribute);
    else rest.push(attribute);
  }
  // Without one, all sessions would be meant.
  if (identity.length === 0) return ErrorCause.MissingAttribute;
  const selector = readSelector(identity);
  if (selector === undefined) return ErrorCause.InvalidAttributeValue;
  if (packet.code === RadiusCode.DisconnectRequest) {
    const isPlain = rest.every(({ type }) => DISCONNECT_NOTES.has(type));
    return isPlain ? { kind: 'disconnect', selector } : ErrorCause.UnsupportedAttribute;
  }
  const changes: Attribute[] = [];
  for (const attribute of rest) {
    if (attribute.type === RadiusAttribute.ServiceType) {
      // Authorize-Only would have us ask the server what to do: not offered.
      if (readInteger(attribute.value) !== SERVICE_TYPE_FRAMED) return ErrorCause.UnsupportedService;
    } else if (isChange(attribute)) {
      changes.push(attribute);
    } else {
      return ErrorCause.UnsupportedAttribute;
    }
  }
  return { kind: 'change', selector, changes };
}

/** Undefined when the attribute does not say which gateway is meant. */
function matchesNas({ type, value }: Attribute, options: RadiusOptions): boolean | undefined {
  const { nasIdentifier, nasIpAddress, nasIpv6Address } = options;
  if (type === RadiusAttribute.NasIdentifier) return decodeText(value) === nasIdentifier;
  if (type === RadiusAttribute.NasIpAddress) return nasIpAddress !== undefined && readInteger(value) === nasIpAddress;
  if (type === RadiusAttribute.NasIpv6Address)
    return nasIpv6Address !== undefined && readIpv6Address(value) === nasIpv6Address;
  return undefined;
}

function isChange(attribute: Attribute): boolean {
  if (attribute.type !== RadiusAttribute.VendorSpecific) return CHANGES.has(attribute.type);
  const inner = vendorAttributes(attribute);
  return !isWireError(inner) && inner.every(({ vendor, type }) => VENDOR_CHANGES.has(`${vendor}/${type}`));
}
