/**
 * DHCPv6 of the gateway (RFC 8415): name servers for who asks, and the session's one delegated prefix. It keeps no state: a prefix is bound
 * to its tunnel as long as that lives, so every request of the same client has the same answer. Addresses it has none; hosts make
 * theirs from the advertised prefix.
 */
import type { Ipv6Prefix } from '../../wire/ipv6.ts';
import {
  type Dhcpv6Message,
  type Dhcpv6Option,
  Dhcpv6OptionCode,
  Dhcpv6Status,
  Dhcpv6Type,
  dnsServersOption,
  encodeIdentityAssociation,
  iaPrefixOption,
  type IdentityAssociation,
  parseIaPrefix,
  parseIdentityAssociation,
  parseOptionRequest,
  statusOption,
} from '../../wire/dhcpv6.ts';
import { encodeDomainNames } from '../../wire/domain-name.ts';
import { isWireError } from '../../wire/wire-error.ts';

/** Seconds. Short, because the prefix goes with the tunnel, and a client that reconnects may get another one. */
const PREFERRED_LIFETIME = 3600;
const VALID_LIFETIME = 7200;
/** RFC 8415 14.2: half and four fifths of the preferred lifetime. */
const T1 = PREFERRED_LIFETIME / 2;
const T2 = PREFERRED_LIFETIME * 0.8;

/** Associations of one message that are answered: a client has one or two, and the answer must fit a packet. */
const MAX_ASSOCIATIONS = 8;
/** Prefixes that a client may name and that are taken from it by name; a request has one, and its answer must fit a packet. */
const MAX_REVOKED = 8;

export interface Dhcpv6Facts {
  /** DUID of this server. */
  readonly serverId: Uint8Array;
  readonly delegated: Ipv6Prefix | undefined;
  readonly dns: readonly bigint[];
  /** Domains to search. */
  readonly search: readonly string[];
}

/** The answer, or undefined for a message that is to be discarded (RFC 8415 16). */
export function answerDhcpv6(message: Dhcpv6Message, facts: Dhcpv6Facts): Dhcpv6Message | undefined {
  const clientId = optionOf(message, Dhcpv6OptionCode.ClientId);
  const serverId = optionOf(message, Dhcpv6OptionCode.ServerId);
  if (!isForUs(message.type, clientId, serverId, facts.serverId)) return undefined;
  const identity = [
    ...(clientId === undefined ? [] : [clientId]),
    { code: Dhcpv6OptionCode.ServerId, data: facts.serverId },
  ];
  const reply = (type: Dhcpv6Type, options: readonly Dhcpv6Option[]): Dhcpv6Message => ({
    type,
    transactionId: message.transactionId,
    options: [...identity, ...options],
  });
  switch (message.type) {
    case Dhcpv6Type.InformationRequest:
      return reply(Dhcpv6Type.Reply, settings(message, facts));
    case Dhcpv6Type.Solicit: {
      const rapid = optionOf(message, Dhcpv6OptionCode.RapidCommit);
      const answers = [...associations(message, facts), ...settings(message, facts)];
      return rapid === undefined ? reply(Dhcpv6Type.Advertise, answers) : reply(Dhcpv6Type.Reply, [rapid, ...answers]);
    }
    case Dhcpv6Type.Request:
    case Dhcpv6Type.Renew:
    case Dhcpv6Type.Rebind:
      return reply(Dhcpv6Type.Reply, [...associations(message, facts), ...settings(message, facts)]);
    case Dhcpv6Type.Confirm:
      // Only addresses can be confirmed, and none is ours.
      return reply(Dhcpv6Type.Reply, [statusOption(Dhcpv6Status.NotOnLink, 'addresses come by router advertisement')]);
    case Dhcpv6Type.Release:
    case Dhcpv6Type.Decline:
      // The prefix stays with the tunnel, whether it is used or not.
      return reply(Dhcpv6Type.Reply, [statusOption(Dhcpv6Status.Success, 'released')]);
    default:
      return undefined;
  }
}

/** DUID-LL (RFC 8415 11.4) of an EUI-64, hardware type 27: the identifier of the gateway's end of the link. */
export function linkDuid(interfaceId: bigint): Uint8Array {
  const bytes = Uint8Array.of(0, 3, 0, 27, 0, 0, 0, 0, 0, 0, 0, 0);
  new DataView(bytes.buffer).setBigUint64(4, interfaceId);
  return bytes;
}

/** RFC 8415 16: which messages name a server, and which a client. */
function isForUs(
  type: number,
  clientId: Dhcpv6Option | undefined,
  serverId: Dhcpv6Option | undefined,
  own: Uint8Array,
): boolean {
  const namesUs = serverId !== undefined && sameBytes(serverId.data, own);
  switch (type) {
    case Dhcpv6Type.InformationRequest:
      return serverId === undefined || namesUs;
    case Dhcpv6Type.Solicit:
    case Dhcpv6Type.Confirm:
    case Dhcpv6Type.Rebind:
      return clientId !== undefined && serverId === undefined;
    default:
      return clientId !== undefined && namesUs;
  }
}

/** What the client asked for of that which there is. A client without an Option Request gets all. */
function settings(message: Dhcpv6Message, { dns, search }: Dhcpv6Facts): Dhcpv6Option[] {
  const request = optionOf(message, Dhcpv6OptionCode.OptionRequest);
  const wanted = request === undefined ? undefined : parseOptionRequest(request.data);
  const options: Dhcpv6Option[] = [];
  if (dns.length > 0) options.push(dnsServersOption(dns));
  if (search.length > 0) options.push({ code: Dhcpv6OptionCode.DomainList, data: encodeDomainNames(search) });
  return options.filter(({ code }) => wanted === undefined || wanted.includes(code));
}

/** One answer for each association that the client names; the first one for prefixes gets the prefix. */
function associations(message: Dhcpv6Message, { delegated }: Dhcpv6Facts): Dhcpv6Option[] {
  const answers: Dhcpv6Option[] = [];
  let available = delegated;
  for (const { code, data } of message.options) {
    if (answers.length === MAX_ASSOCIATIONS) break;
    if (code === Dhcpv6OptionCode.IaPd) {
      const asked = parseIdentityAssociation(data);
      if (isWireError(asked)) continue;
      answers.push({ code, data: encodeIdentityAssociation(delegation(asked, available, message.type)) });
      available = undefined;
    } else if (code === Dhcpv6OptionCode.IaNa || code === Dhcpv6OptionCode.IaTa) {
      answers.push(...refusedAddress(code, data));
    }
  }
  return answers;
}

function delegation(asked: IdentityAssociation, prefix: Ipv6Prefix | undefined, type: number): IdentityAssociation {
  const isExtension = type === Dhcpv6Type.Renew || type === Dhcpv6Type.Rebind;
  const revoked = isExtension ? foreignPrefixes(asked, prefix) : [];
  if (prefix === undefined) {
    const status = statusOption(Dhcpv6Status.NoPrefixAvail, 'no prefix to delegate');
    return { iaid: asked.iaid, t1: 0, t2: 0, options: [...revoked, status] };
  }
  const lease = iaPrefixOption({ prefix, preferredLifetime: PREFERRED_LIFETIME, validLifetime: VALID_LIFETIME });
  return { iaid: asked.iaid, t1: T1, t2: T2, options: [lease, ...revoked] };
}

/** Prefixes that the client still has from elsewhere: lifetimes of zero end them (RFC 8415 18.3.4). */
function foreignPrefixes({ options }: IdentityAssociation, own: Ipv6Prefix | undefined): Dhcpv6Option[] {
  const named = options.filter(({ code }) => code === Dhcpv6OptionCode.IaPrefix).slice(0, MAX_REVOKED);
  return named.flatMap(({ data }) => {
    const found = parseIaPrefix(data);
    if (isWireError(found) || (own !== undefined && isSamePrefix(found.prefix, own))) return [];
    return [iaPrefixOption({ prefix: found.prefix, preferredLifetime: 0, validLifetime: 0 })];
  });
}

/** An IA_TA is an IA_NA without its times (RFC 8415 21.5). */
function refusedAddress(code: number, data: Uint8Array): Dhcpv6Option[] {
  const status = statusOption(Dhcpv6Status.NoAddrsAvail, 'addresses come by router advertisement');
  if (data.length < 4) return [];
  const refusal = encodeIdentityAssociation({
    iaid: new DataView(data.buffer, data.byteOffset).getUint32(0),
    t1: 0,
    t2: 0,
    options: [status],
  });
  const isTemporary = code === Dhcpv6OptionCode.IaTa;
  return [{ code, data: isTemporary ? Uint8Array.of(...refusal.subarray(0, 4), ...refusal.subarray(12)) : refusal }];
}

function optionOf(message: Dhcpv6Message, code: number): Dhcpv6Option | undefined {
  return message.options.find(option => option.code === code);
}

function isSamePrefix(a: Ipv6Prefix, b: Ipv6Prefix): boolean {
  return a.address === b.address && a.length === b.length;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
