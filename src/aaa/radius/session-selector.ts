/** Which sessions a Disconnect-Request or CoA-Request means (RFC 5176 3). */
import type { Ipv6Prefix } from '../../wire/ipv6.ts';
import {
  RadiusAttribute,
  readInteger,
  readInterfaceId,
  readIpv6PrefixValue,
  type Attribute,
} from '../../wire/radius.ts';
import { decodeText } from '../../wire/text.ts';
import type { AuthSession } from '../authority.ts';

/** Everything that is given has to fit. */
export interface SessionSelector {
  id?: string;
  user?: string;
  port?: number;
  device?: string;
  callingStation?: string;
  calledStation?: string;
  ipv4?: number;
  interfaceId?: bigint;
  ipv6Prefix?: Ipv6Prefix;
  /** A bundle of several links. There are none, so this fits nothing. */
  multiSession?: string;
}

/** What a selector is compared with. */
export interface SelectableSession {
  readonly session: AuthSession;
  readonly user: string;
  readonly ipv4: number | undefined;
  readonly interfaceId: bigint | undefined;
  readonly ipv6Prefix: Ipv6Prefix | undefined;
}

/** Writes the value into the selector; false when it cannot be read. */
type Reader = (selector: SessionSelector, value: Uint8Array) => boolean;

const READERS: ReadonlyMap<number, Reader> = new Map([
  [RadiusAttribute.AcctSessionId, put('id', decodeText)],
  [RadiusAttribute.UserName, put('user', decodeText)],
  [RadiusAttribute.NasPort, put('port', readInteger)],
  [RadiusAttribute.NasPortId, put('device', decodeText)],
  [RadiusAttribute.CallingStationId, put('callingStation', decodeText)],
  [RadiusAttribute.CalledStationId, put('calledStation', decodeText)],
  [RadiusAttribute.FramedIpAddress, put('ipv4', readInteger)],
  [RadiusAttribute.FramedInterfaceId, put('interfaceId', readInterfaceId)],
  [RadiusAttribute.FramedIpv6Prefix, put('ipv6Prefix', readIpv6PrefixValue)],
  [RadiusAttribute.AcctMultiSessionId, put('multiSession', decodeText)],
]);

/** Whether the attribute says which session is meant. */
export function isSessionAttribute({ type }: Attribute): boolean {
  return READERS.has(type);
}

/** What session attributes say together; undefined when one cannot be read or comes twice. */
export function readSelector(attributes: readonly Attribute[]): SessionSelector | undefined {
  const selector: SessionSelector = {};
  const seen = new Set<number>();
  for (const { type, value } of attributes) {
    if (seen.has(type) || READERS.get(type)?.(selector, value) !== true) return undefined;
    seen.add(type);
  }
  return selector;
}

/** Called-Station-Id may be the gateway's name or its address, whatever accounting says of the two. */
export function matchesSelector(
  selector: SessionSelector,
  { session, user, ipv4, interfaceId, ipv6Prefix }: SelectableSession,
): boolean {
  return (
    fits(selector.id, session.id) &&
    fits(selector.user, user) &&
    fits(selector.port, session.port) &&
    fits(selector.device, session.device) &&
    fits(selector.callingStation, session.remoteAddress) &&
    (fits(selector.calledStation, session.serverName) || fits(selector.calledStation, session.localAddress)) &&
    fits(selector.ipv4, ipv4) &&
    fits(selector.interfaceId, interfaceId) &&
    fits(selector.ipv6Prefix?.address, ipv6Prefix?.address) &&
    fits(selector.ipv6Prefix?.length, ipv6Prefix?.length) &&
    selector.multiSession === undefined
  );
}

function fits<T>(wanted: T | undefined, actual: T | undefined): boolean {
  return wanted === undefined || wanted === actual;
}

function put<Key extends keyof SessionSelector>(key: Key, read: (value: Uint8Array) => SessionSelector[Key]): Reader {
  return (selector, value) => {
    const result = read(value);
    if (result === undefined) return false;
    selector[key] = result;
    return true;
  };
}
