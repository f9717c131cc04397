import type { Credentials } from '../../protocol/ppp/credentials.ts';
import type { RadiusOptions } from '../../config/radius-options.ts';

/**
 * User-Name of a request. What the client computed with its name as part of it must not be changed: EAP goes with the
 * Identity (RFC 3579 2.1), MS-CHAPv2 has the name without its domain in its hash (RFC 2759 8.2).
 */
export function radiusUserName(
  { kind, user }: Credentials,
  { stripRealm, defaultRealm }: Pick<RadiusOptions, 'stripRealm' | 'defaultRealm'>,
): string {
  if (kind === 'eap') return user;
  const bare = stripRealm ? user.slice(user.lastIndexOf('\\') + 1) : user;
  if (kind === 'mschapv2') return bare;
  const name = stripRealm ? bare.replace(/@[^@]*$/, '') : bare;
  const isPlain = !name.includes('@') && !name.includes('\\');
  return defaultRealm !== undefined && isPlain ? `${name}@${defaultRealm}` : name;
}
