// How the Authentication-Protocol option of LCP names each method (RFC 1661 6.2, RFC 1994 3, RFC 2759 2).
import type { CpOption } from '../../wire/control-protocol.ts';
import {
  authenticationProtocolOption,
  type AuthenticationProtocol,
  ChapAlgorithm,
  parseAuthenticationProtocol,
} from '../../wire/lcp.ts';
import { PppProtocol } from '../../wire/ppp.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { AuthMethod } from './credentials.ts';

const AUTH_PROTOCOLS: Readonly<Record<AuthMethod, AuthenticationProtocol>> = {
  pap: { protocol: PppProtocol.Pap, algorithm: undefined },
  chap: { protocol: PppProtocol.Chap, algorithm: ChapAlgorithm.Md5 },
  mschapv2: { protocol: PppProtocol.Chap, algorithm: ChapAlgorithm.MsChapV2 },
  eap: { protocol: PppProtocol.Eap, algorithm: undefined },
};

const METHODS = Object.keys(AUTH_PROTOCOLS) as AuthMethod[];

export function authOption(method: AuthMethod): CpOption {
  return authenticationProtocolOption(AUTH_PROTOCOLS[method]);
}

/** Undefined for a method that this project does not know, and for an option that is none. */
export function authMethodOf(option: CpOption): AuthMethod | undefined {
  const named = parseAuthenticationProtocol(option.value);
  if (isWireError(named)) return undefined;
  return METHODS.find(method => {
    const known = AUTH_PROTOCOLS[method];
    return known.protocol === named.protocol && known.algorithm === named.algorithm;
  });
}

/** The PPP protocol that carries the method's packets. */
export function authProtocol(method: AuthMethod): number {
  return AUTH_PROTOCOLS[method].protocol;
}
