import type { AccountedSession } from '../../../src/aaa/accounting.ts';
import type { AuthSession } from '../../../src/aaa/authority.ts';
import { parseIpv4 } from '../../../src/wire/ip.ts';
import { parseIpv6Prefix } from '../../../src/wire/ipv6.ts';

export function authSession(id: string, changes: Partial<AuthSession> = {}): AuthSession {
  return {
    id,
    port: 7,
    device: 'sstp0',
    remoteAddress: '198.51.100.9',
    remotePort: 50_000,
    localAddress: '192.0.2.1',
    serverName: 'vpn.example',
    correlationId: undefined,
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    mtu: 1400,
    identification: [],
    ...changes,
  };
}

export function accountedSession(id: string, changes: Partial<AccountedSession> = {}): AccountedSession {
  return {
    session: authSession(id),
    user: 'alice',
    method: 'mschapv2',
    authentic: 'radius',
    ipv4: parseIpv4('10.0.0.9'),
    interfaceId: 0x0200_5eff_fe00_5301n,
    ipv6Prefix: parseIpv6Prefix('2001:db8:1:2::/64'),
    delegatedPrefix: parseIpv6Prefix('2001:db8:ff00::/56'),
    routes: [{ family: 4, address: parseIpv4('10.9.0.0')!, length: 16, metric: undefined }],
    classes: [Uint8Array.of(1, 2, 3), Uint8Array.of(4)],
    interimIntervalMs: undefined,
    upAt: Date.now(),
    ...changes,
  };
}
