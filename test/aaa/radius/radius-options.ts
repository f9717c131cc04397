import type { RadiusOptions } from '../../../src/config/radius-options.ts';
import { parseIpv4 } from '../../../src/wire/ip.ts';
import { parseIpv6 } from '../../../src/wire/ipv6.ts';
import { ACCOUNTING_SECRET } from '../../radius-server/accounting-server.ts';

/** Of a gateway with one accounting server on loopback, and little patience with it. */
export function radiusOptions(acctPort: number): RadiusOptions {
  return {
    servers: [
      {
        host: '127.0.0.1',
        authPort: 1,
        acctPort,
        secret: Buffer.from(ACCOUNTING_SECRET),
        priority: 0,
        requestLimit: 256,
        deadTimeMs: 100,
        requireMessageAuthenticator: true,
      },
    ],
    nasIdentifier: 'gateway.example',
    nasIpAddress: parseIpv4('192.0.2.1'),
    nasIpv6Address: parseIpv6('2001:db8::1'),
    timeoutMs: 200,
    retries: 1,
    authBudgetMs: 1000,
    interimJitter: 0.1,
    stripRealm: false,
    filterIdRateMultiplier: 1,
    calledStationId: 'server-name',
  };
}
